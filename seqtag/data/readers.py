"""Which reader serves which format."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seqtag.data.config import CorpusConfig
from seqtag.data.lines import SourceFile
from seqtag.data.sentence import Sentence
from seqtag.errors import InputError


def reader_of(format: str) -> Callable[[SourceFile, CorpusConfig], Iterator[Sentence]]:
    """Return the function that yields the sentences of a file of that format."""
    if format == "column":
        from seqtag.data.columns import read_column

        return read_column
    if format == "conllu":
        from seqtag.data.conllu import read_conllu

        return read_conllu
    from seqtag.data.records import READ

    return READ[format]


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
