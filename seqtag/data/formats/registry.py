"""The reader of each format, behind one guard against what files can hold."""

from __future__ import annotations

import csv
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.label_names import read_named
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

# What libraries and built-in functions raise for bytes that they cannot read. An AttributeError,
# a NameError or an AssertionError is a fault of the program and passes.
_OF_INPUT = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError, NotImplementedError),
    *(EOFError, OSError, zlib.error, lzma.LZMAError, csv.Error),
)
# Libraries whose own exceptions mean the same; their modules are not imported for it.
_LIBRARIES = ("conllu", "pyarrow")


@dataclass(frozen=True)
class Reader:
    """A function that yields the sentences of a file, guarded; it can be sent to a process.

    Attributes:
        format: its name in messages.
        read: the function.
    """

    format: str
    read: Callable[[SourceFile, CorpusConfig], Iterable[Sentence | None]]

    def __call__(self, file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
        """Yield the sentences of a file.

        Raises:
            InputError: for whatever the reader cannot read.
        """
        return guarded(self.read(file, config), file.name, self.format, file.first_line)


def guarded(
    sentences: Iterable[Sentence | None], name: str, format: str, line: int = 1
) -> Iterator[Sentence]:
    """Yield the sentences of a reader; turn an error that its input causes into an InputError.

    Args:
        sentences: what the reader yields; `None` (nothing more for now) is left out.
        name: what messages call the input.
        format: what messages call its format.
        line: number of the input's first line or row.

    Raises:
        InputError: with the first line at which the error may be: the one after the sentence
            before. Readers that know the line raise their own.
    """
    try:
        for sentence in sentences:
            if sentence is not None:
                yield sentence
                line = (sentence.lines[-1] if sentence.lines else sentence.line) + 1
    except InputError:
        raise
    except Exception as error:
        if not of_input(error):
            raise
        raise not_read(error, f"{name}:{line}", format) from error


def of_input(error: Exception) -> bool:
    """Return whether an exception is one that unreadable input causes."""
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, _OF_INPUT) or not modules.isdisjoint(_LIBRARIES)


def not_read(error: Exception, where: str, format: str) -> InputError:
    """Return the InputError for an exception that a reader of `format` met at `where` or after."""
    # Only the end of a long message is cut off; there is no line end in it.
    detail = " ".join(str(error).split())[:200]
    return InputError(
        f"{where}: from here on this cannot be read as {format} ({type(error).__name__}: {detail})"
    )


def reader_of(format: str) -> Reader:
    """Return the function that yields the sentences of a file of that format."""
    if format == "column":
        from seqtag.data.formats.column import read_column

        return Reader(format, partial(read_named, read_column))
    if format == "conllu":
        from seqtag.data.formats.conllu import read_conllu

        return Reader(format, partial(read_named, read_conllu))
    from seqtag.data.formats.records import READ

    return Reader(format, READ[format])


def format_of(path: str) -> str:
    """Return the format of files on the hub by their ending."""
    by_ending = {
        ".parquet": "parquet",
        ".jsonl": "json",
        ".json": "json",
        ".csv": "csv",
        ".tsv": "csv",
        ".conllu": "conllu",
    }
    for ending, format in by_ending.items():
        if path.removesuffix(".gz").endswith(ending):
            return format
    raise InputError(
        f"data.path={path}: neither a data set id (owner/name) nor a file whose ending tells its "
        f"format ({', '.join(by_ending)}): use data=column, data=json, ... with this path"
    )
