"""The base class of data formats, their registry, and the error handling around readers."""

import csv
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

from seqtag.data.formats.document import Document, OutputOptions
from seqtag.data.formats.label_names import LabelNames
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source, SourceFile, open_source
from seqtag.data.formats.sentence import Sentence, labels_without
from seqtag.errors import InputError, listed
from seqtag.registry import Registry

# Errors that libraries and built-in functions raise for unreadable input. Others, such as an
# AttributeError, a NameError or an AssertionError, are bugs and are not caught.
_INPUT_ERRORS = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError, NotImplementedError),
    *(EOFError, OSError, zlib.error, lzma.LZMAError, csv.Error),
)
# Libraries whose own exceptions mean unreadable input; recognised by name, without an import.
_LIBRARIES = ("conllu", "pyarrow")


class Format:
    """A data format: how to read a file into sentences, for training and tagging alike.

        @register("slashed")
        class Slashed(Format):
            endings = (".sl",)
            tag_input = "a sentence per line: He/PRON lives/VERB"

            def read(self, source, layout):
                for numbered in source.numbered_lines():
                    if numbered is None:  # no more input for now
                        yield None
                        continue
                    number, line = numbered
                    pairs = [cell.rpartition("/") for cell in line.split()]
                    labels = [label for _, _, label in pairs] if layout.label_column else []
                    yield Sentence([token for token, _, _ in pairs], labels, [], 0, number)

    Only `read` is required. Libraries that only reading needs should be imported in it.

    Attributes:
        name: the name under which the format is registered.
        endings: endings of file names, in lower case; empty if files can have any name.
        token_column: default column of the tokens.
        label_column: default column of the labels.
        positional: whether columns are named by `Layout.columns` only, not in the file.
        decodes_labels: whether `read` applies `Layout.label_names` itself; otherwise they are
            applied to the labels that it yields.
        has_text: whether sentences to be tagged may have raw text instead of tokens.
        reads_spans: whether spans of characters are read, as `Layout.spans` says; labels are BIO.
        reads_folders: whether an input may be a folder of files, see `Source.folder`.
        writes: what ``seqtag tag`` writes at a time: sentences (`write`), whole documents
            (`write_documents`), or documents into a folder (`write_folder`).
        tag_input: description as an input of ``seqtag tag --help``; None: not an input.
        tag_output: description as an output of ``seqtag tag --help``; None: not an output.
    """

    name: str
    endings: tuple[str, ...] = ()
    token_column: str = "tokens"
    label_column: str = "labels"
    positional: bool = False
    decodes_labels: bool = False
    has_text: bool = False
    reads_folders: bool = False
    reads_spans: bool = False
    writes: Literal["sentences", "documents", "folder"] = "sentences"
    tag_input: str | None = None
    tag_output: str | None = None

    def read(self, source: Source, layout: Layout) -> Iterable[Sentence | None]:
        """Yield the sentences of a file, or of a part of one.

        Yield `None` when no more input is available for now, so that sentences from a pipe can be
        tagged before more arrives.

        Args:
            source: the input, as bytes (`raw`) or lines.
            layout: the columns to read. If it has no label column, the file is to be tagged and
                sentences have no labels.

        Raises:
            InputError: for input that cannot be read; the message names ``source.name`` and the
                line. The caller converts other errors of unreadable input, and checks that each
                sentence has a label per token and values for each of ``layout.features``.
        """
        raise NotImplementedError

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return whether an open file can be cut into parts that are read independently."""
        return False

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the next position in a file at which a sentence certainly ends.

        `raw` is positioned at the start of a line. Called only if `can_be_cut` returns True.
        """
        return raw.tell()

    def explain_unfilled(
        self, files: list[SourceFile], layout: Layout, column: str
    ) -> InputError | None:
        """Return the error for a column without any value in training, or None if it is allowed."""
        return None

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a tagged sentence as text of this format.

        Args:
            record: ``tokens``, ``labels`` and ``spans``, and if available ``probabilities``,
                ``text``, ``offsets``, ``id`` and ``line`` (see `TaggedSentence.to_plain`).

        Raises:
            InputError: for a sentence that the format cannot represent.
        """
        raise NotImplementedError

    def check_output(self) -> None:
        """Raise an InputError if a library is missing that writing needs."""

    def write_documents(
        self, documents: Iterable[Document], options: OutputOptions
    ) -> Iterator[bytes]:
        """Yield the bytes of a file with tagged documents, each as soon as it is complete.

        Raises:
            InputError: for a document that the format cannot represent.
        """
        raise NotImplementedError

    def write_folder(
        self, documents: Iterable[Document], folder: Path, options: OutputOptions
    ) -> None:
        """Write tagged documents as files into an empty folder.

        Raises:
            InputError: for a document that the format cannot represent.
        """
        raise NotImplementedError


FORMATS: Registry[Format] = Registry("data.format", "seqtag.formats", __package__)
register = FORMATS.register


def find_format(name: str) -> Format:
    """Return an instance of the format called `name`.

    Raises:
        InputError: if there is no such format, or the package that provides it is unusable.
    """
    entry = FORMATS[name]
    if not (isinstance(entry.cls, type) and issubclass(entry.cls, Format)):
        raise InputError(f"data.format {name!r}: {entry.cls!r} is not a class derived from Format")
    format = entry.make()
    format.name = name
    return format


def format_by_ending(path: str) -> str:
    """Return the name of the format whose endings include that of a file name.

    Raises:
        InputError: if there is none.
    """
    known: list[str] = []
    for name in FORMATS.names():
        endings = find_format(name).endings
        if path.removesuffix(".gz").endswith(endings):
            return name
        known += endings
    raise InputError(
        f"data.path={path}: neither a data set id (owner/name) nor a file whose ending says its "
        f"format ({', '.join(known)}): use data=column, data=json, ... with this path"
    )


def read_file(file: SourceFile, format: Format, layout: Layout) -> Iterator[Sentence]:
    """Yield the sentences of a file, or of a part of one.

    Raises:
        InputError: if the format cannot read it.
    """
    with open_source(file, layout.encoding) as source:
        for sentence in read_source(source, format, layout):
            if sentence is not None:
                yield sentence


def read_source(source: Source, format: Format, layout: Layout) -> Iterator[Sentence | None]:
    """Yield the sentences of an open file or pipe, and None when no more input is available yet.

    Raises:
        InputError: if the format cannot read it.
    """
    sentences = _read(source, format, layout)
    return with_input_errors(sentences, source.name, format.name, source.place.line)


def _read(source: Source, format: Format, layout: Layout) -> Iterator[Sentence | None]:
    names = None if format.decodes_labels else LabelNames.from_layout(layout)
    count = len(layout.features)
    for sentence in format.read(source, layout):
        if sentence is not None:
            tokens, labels, features, *_ = sentence
            where = f"{source.name}:{sentence.line}"
            if len(features) != count:
                raise InputError(
                    f"{where}: the format {format.name} read {len(features)} of the columns "
                    f"{listed(layout.features)}: leave out those that it does not have"
                )
            if layout.label_column is not None and len(labels) != len(tokens):
                raise InputError(f"{where}: {len(tokens)} tokens but {len(labels)} labels")
            if layout.unlabelled is not None and layout.unlabelled in labels:
                sentence = sentence._replace(labels=labels_without(layout.unlabelled, labels))
            if names is not None:
                sentence = names.decode_sentence(sentence, source.name)
        yield sentence


def with_input_errors(
    sentences: Iterable[Sentence | None], name: str, format: str, line: int = 1
) -> Iterator[Sentence | None]:
    """Yield the sentences of a reader; convert errors caused by its input to an InputError.

    Args:
        sentences: the sentences, as the reader yields them.
        name: name of the input in messages.
        format: name of the format in messages.
        line: number of the first line or row of the input.

    Raises:
        InputError: it names the line after the last sentence, the first one that may contain the
            error. Readers that know the exact line raise an InputError themselves.
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
        if not isinstance(error, _INPUT_ERRORS) and modules.isdisjoint(_LIBRARIES):
            raise
        # On one line, and shortened if it is long.
        detail = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}:{line}: from this line on, the input cannot be read as {format} "
            f"({type(error).__name__}: {detail})"
        ) from error
