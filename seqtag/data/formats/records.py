"""Files with a sentence a record: JSONL, CSV and parquet, and rows from the hub.

A record has a list of tokens and a list of labels, and may have lists of features. Labels are
strings; null and -100 mean "not trained on"; integers are decoded by the names that the file (or
`data.label_names`) gives.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seqtag.data.config import CorpusConfig, require_columns
from seqtag.data.formats.json_lines import parse_object
from seqtag.data.formats.lines import SourceFile, open_binary, text_lines
from seqtag.data.formats.list_values import lists_of
from seqtag.data.formats.parquet_names import class_names
from seqtag.data.formats.record_reader import RecordReader, used_columns
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, listed, shown

_ROWS = 1000
# A sentence of 50,000 tokens is one cell; the csv module's own limit is 131,072 characters.
_CELL_LIMIT = 2**31 - 1
_WANTED = 'one object per line is expected (JSONL): {"tokens": [...], "labels": [...]}'


def read_json(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a JSONL file: an object with token and label lists on each line."""
    reader = RecordReader(file.name, config)
    used = used_columns(config)
    for number, line in enumerate(text_lines(file, config.encoding), file.first_line):
        if not line.strip(" \t"):
            continue
        record = parse_object(line, f"{file.name}:{number}", used, _WANTED)
        if config.token_column not in record:
            _refuse_wrapped(record, f"{file.name}:{number}")
        yield reader.sentence(record, number, escapes="\\u" in line)


def _refuse_wrapped(record: dict[str, Any], where: str) -> None:
    """Raise an InputError for an object that has all records in a list of its own."""
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            raise InputError(f"{where}: the records are in a list under {shown(key)}; {_WANTED}")


def read_csv(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a CSV file with a header and a sentence in each row.

    Cells hold lists, as JSON (``["a", "b"]``), as Python prints them (``['a', 'b']``) or as numpy
    does (``['a' 'b']``), or else strings separated by spaces: see `formats.list_values`.
    """
    reader = RecordReader(file.name, config)
    wanted = (config.label_column, config.token_column, *config.features)
    header: list[str] = []
    for line, cells in _csv_rows(file, config):
        if not header:
            header = cells
            require_columns(config, header, f"{file.name}:{line}")
            require_once(config, header, f"{file.name}:{line}")
            places = [header.index(name) for name in wanted]
            document = header.index(config.document_column) if config.document_column else None
            continue
        if len(cells) != len(header):
            raise InputError(
                f"{file.name}:{line}: {len(cells)} columns where the header has {len(header)}"
            )
        try:
            lists, spaced = lists_of([cells[place] for place in places], wanted)
        except ValueError as error:
            raise InputError(f"{file.name}:{line}: {error}") from None
        record: dict[str, Any] = dict(zip(wanted, lists, strict=True))
        if document is not None:
            record.setdefault(config.document_column, cells[document])
        escapes = not spaced and any("\\" in cells[place] for place in places)
        yield reader.sentence(record, line, spaced, escapes)


def _csv_rows(file: SourceFile, config: CorpusConfig) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line of each row, and its cells; empty rows are left out."""
    separator = config.separator or ("\t" if ".tsv" in file.name.lower() else ",")
    if len(separator) != 1:
        raise InputError(f"data.separator={separator!r}: a CSV separator is one character")
    csv.field_size_limit(_CELL_LIMIT)
    lines = (line + "\n" for line in text_lines(file, config.encoding))
    rows = csv.reader(lines, delimiter=separator, strict=True)
    line = 1
    try:
        for cells in rows:
            if cells:
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{file.name}:{line}: not CSV: {error}") from None


def require_once(config: CorpusConfig, names: list[str], where: str) -> None:
    """Raise an InputError if a column that `config` uses is there more than once."""
    used = {config.token_column, config.label_column, *config.features, config.document_column}
    repeated = sorted({name for name in names if name in used and names.count(name) > 1})
    if repeated:
        raise InputError(
            f"{where}: more than one column is called {', '.join(map(shown, repeated))}; there "
            f"are: {listed(names)}. Rename those that are not meant"
        )


def read_parquet(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a parquet file; its line numbers are row numbers, from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    reader, given = None, config.label_names is not None
    try:
        with open_binary(file) as raw:
            source = pq.ParquetFile(raw)
            names = source.schema_arrow.names
            require_columns(config, names, file.name)
            require_once(config, names, file.name)
            columns = used_columns(config)
            # Names that are given need none of the file.
            of_file = [name for name in columns if name != config.label_column or not given]
            decoders = class_names(source.schema_arrow, of_file, file.name)
            reader = RecordReader(file.name, config, decoders)
            yield from from_batches(source.iter_batches(_ROWS, columns=columns), reader)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        last = f" after {reader.place}" if reader and reader.place != file.name else ""
        raise InputError(
            f"{file.name}: cannot be read{last}: {getattr(error, 'strerror', None) or error}"
        ) from error


def from_batches(
    batches: Iterable[Any], reader: RecordReader, before: int = 0
) -> Iterator[Sentence]:
    """Yield the sentences of Arrow record batches, which have so many rows `before` them."""
    row = before
    for batch in batches:
        try:
            records = batch.to_pylist()
        except (ValueError, OverflowError) as error:
            raise _bad_row(batch, row, reader.name, error) from None
        for record in records:
            row += 1
            yield reader.sentence(record, row)


def _bad_row(batch: Any, before: int, name: str, error: Exception) -> InputError:
    """Return the InputError for the first row of a batch that Python cannot represent."""
    for i in range(batch.num_rows):
        try:
            batch.slice(i, 1).to_pylist()
        except (ValueError, OverflowError) as fault:
            before, error = before + i, fault
            break
    reason = f"a string is not UTF-8 ({error})" if isinstance(error, UnicodeError) else str(error)
    return InputError(f"{name}:{before + 1}: {reason}")


READ: dict[str, Callable[[SourceFile, CorpusConfig], Iterator[Sentence]]] = {
    "json": read_json,
    "csv": read_csv,
    "parquet": read_parquet,
}
