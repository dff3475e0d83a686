"""What a data format is, where formats are registered, and the guard around their readers."""

import csv
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from seqtag.data.formats.label_names import LabelNames
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source, SourceFile, open_source
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, listed
from seqtag.registry import Registry

# What libraries and built-in functions raise for bytes that they cannot read. An AttributeError,
# a NameError or an AssertionError is a fault of the program and passes.
_OF_INPUT = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError, NotImplementedError),
    *(EOFError, OSError, zlib.error, lzma.LZMAError, csv.Error),
)
# Libraries whose own exceptions mean the same; their modules are not imported for it.
_LIBRARIES = ("conllu", "pyarrow")


class Format:
    """A data format: how a file is read into sentences, for training and tagging alike.

        @register("slashed")
        class Slashed(Format):
            endings = (".sl",)
            tag_input = "a sentence a line: He/PRON lives/VERB"

            def read(self, source, layout):
                for numbered in source.numbered_lines():
                    if numbered is None:  # nothing more for now
                        yield None
                        continue
                    pairs = [cell.rpartition("/") for cell in numbered[1].split()]
                    labels = [pair[2] for pair in pairs] if layout.label_column else []
                    yield Sentence([pair[0] for pair in pairs], labels, [], 0, numbered[0])

    A format needs no more than `read`. Libraries that only reading needs are imported there.

    Attributes:
        name: the name that it is registered by.
        endings: of its files' names, in lower case; none where any file may be one.
        token_column: the column with the tokens, if the configuration names none.
        label_column: likewise, with the labels.
        positional: its columns have no names but those that `Layout.columns` gives them.
        decodes_labels: `read` applies `Layout.label_names` itself. Otherwise they are applied to
            the labels that it yields.
        tag_input: what ``seqtag tag --help`` says of its files as input; None: they are no input.
        tag_output: what it says of them as output; None: tagged sentences cannot be written so.
    """

    name: str
    endings: tuple[str, ...] = ()
    token_column: str = "tokens"
    label_column: str = "labels"
    positional: bool = False
    decodes_labels: bool = False
    tag_input: str | None = None
    tag_output: str | None = None

    def read(self, source: Source, layout: Layout) -> Iterable[Sentence | None]:
        """Yield the sentences of a file, or of a part of one.

        `None` may come between them: nothing more is at hand for now, so that what came through a
        pipe can be tagged before more comes.

        Args:
            source: the bytes, as such or as lines.
            layout: the columns to be read. Without a label column the file is to be tagged:
                sentences then have no labels.

        Raises:
            InputError: for what cannot be read, naming ``source.name`` and the line. Other errors
                that unreadable input causes become one, and so does a sentence without a label a
                token or without a list of values for each of ``layout.features``.
        """
        raise NotImplementedError

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return whether parts of an open file can be read by several processes."""
        return False

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the next place of a file that can be cut where a sentence ends for sure.

        The file is read from where it stands, which is the start of a line.
        """
        return raw.tell()

    def explain_unfilled(
        self, files: list[SourceFile], layout: Layout, column: str
    ) -> InputError | None:
        """Return the error for a column without a value in all of training; None if it may be."""
        return None

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a tagged sentence as it stands in a file.

        Args:
            record: lists of ``tokens`` and ``labels``, ``spans`` and, where there are any,
                ``probabilities``, ``text`` and ``offsets``, ``id`` and ``line``
                (see `TaggedSentence.to_plain`).

        Raises:
            InputError: for a sentence that the format cannot hold.
        """
        raise NotImplementedError


FORMATS: Registry[Format] = Registry("data.format", "seqtag.formats", __package__)
register = FORMATS.register


def find_format(name: str) -> Format:
    """Return the format of that name.

    Raises:
        InputError: if there is none, or the package that offers it cannot be used.
    """
    entry = FORMATS[name]
    if not (isinstance(entry.cls, type) and issubclass(entry.cls, Format)):
        raise InputError(f"data.format {name!r}: {entry.cls!r} is not a class derived from Format")
    found = entry.make()
    found.name = name
    return found


def format_of(path: str) -> str:
    """Return the name of the format that has the ending of a file's name."""
    known: list[str] = []
    for name in FORMATS.names():
        endings = find_format(name).endings
        if path.removesuffix(".gz").endswith(endings):
            return name
        known += endings
    raise InputError(
        f"data.path={path}: neither a data set id (owner/name) nor a file whose ending tells its "
        f"format ({', '.join(known)}): use data=column, data=json, ... with this path"
    )


def read_file(file: SourceFile, format: Format, layout: Layout) -> Iterator[Sentence]:
    """Yield the sentences of a file, or of a part of one.

    Raises:
        InputError: for whatever the format cannot read.
    """
    with open_source(file, layout.encoding) as source:
        for sentence in read_source(source, format, layout):
            if sentence is not None:
                yield sentence


def read_source(source: Source, format: Format, layout: Layout) -> Iterator[Sentence | None]:
    """Yield the sentences of an open file or pipe, and None where nothing more is there for now.

    Raises:
        InputError: for whatever the format cannot read.
    """
    found = _read(source, format, layout)
    return guarded(found, source.name, format.name, source.place.line)


def _read(source: Source, format: Format, layout: Layout) -> Iterator[Sentence | None]:
    names = None if format.decodes_labels else LabelNames.given(layout)
    count = len(layout.features)
    for sentence in format.read(source, layout):
        if sentence is not None:
            tokens, labels, features, *_ = sentence
            where = f"{source.name}:{sentence.line}"
            if len(features) != count:
                raise InputError(
                    f"{where}: the format {format.name} reads {len(features)} of the columns "
                    f"{listed(layout.features)}: leave out those that it does not have"
                )
            if layout.label_column is not None and len(labels) != len(tokens):
                raise InputError(f"{where}: {len(tokens)} tokens but {len(labels)} labels")
            if names is not None:
                sentence = names.applied(sentence, source.name)
        yield sentence


def guarded(
    sentences: Iterable[Sentence | None], name: str, format: str, line: int = 1
) -> Iterator[Sentence | None]:
    """Yield what a reader yields; turn an error that its input causes into an InputError.

    Args:
        sentences: what the reader yields.
        name: what messages call the input.
        format: what messages call its format.
        line: number of the input's first line or row.

    Raises:
        InputError: with the first line at which the error may be: the one after the sentence
            before. Readers that know the line raise their own.
    """
    try:
        for sentence in sentences:
            yield sentence
            if sentence is not None:
                line = (sentence.lines[-1] if sentence.lines else sentence.line) + 1
    except InputError:
        raise
    except Exception as error:
        modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
        if not isinstance(error, _OF_INPUT) and modules.isdisjoint(_LIBRARIES):
            raise
        # Only the end of a long message is cut off; there is no line end in it.
        detail = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}:{line}: from here on this cannot be read as {format} "
            f"({type(error).__name__}: {detail})"
        ) from error
