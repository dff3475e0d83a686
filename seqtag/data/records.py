"""Files with a sentence a record: JSONL, CSV and parquet, and rows from the hub.

A record has a list of tokens and a list of labels, and may have lists of features. Labels are
strings; null and -100 mean "not trained on"; integers are decoded by the names that the file (or
`data.label_names`) gives.
"""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from seqtag.data.config import CorpusConfig, require_columns
from seqtag.data.lines import SourceFile, open_binary, text_lines, unreadable
from seqtag.data.sentence import Sentence
from seqtag.errors import InputError

_NOT_SCORED = -100
_ROWS = 1000
# A sentence of 50,000 tokens is one cell; the csv module's own limit is 131,072 characters.
_CELL_LIMIT = 2**31 - 1


class RecordReader:
    """Turns records into sentences: checks, decodes integers, counts documents.

    `decoders` holds, for columns stored as integers, the names that the file itself gives.
    """

    def __init__(
        self, name: str, config: CorpusConfig, decoders: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.name, self.config = name, config
        self.decoders = dict(decoders or {})
        if config.label_names is not None:
            self.decoders[config.label_column] = config.label_names
        self._doc, self._doc_value, self._first = 0, None, True

    def sentence(self, record: Mapping[str, Any], line: int) -> Sentence:
        """Return the record of `line` as a sentence, or raise an InputError that says why not."""
        config = self.config
        where = f"{self.name}:{line}"
        require_columns(config, list(record), where)
        tokens = self._list(record, config.token_column, where)
        labels = self._list(record, config.label_column, where)
        features = [self._list(record, feature, where) for feature in config.features]
        columns = zip((config.label_column, *config.features), (labels, *features), strict=True)
        for column, values in columns:
            if len(values) != len(tokens):
                raise InputError(
                    f"{where}: {len(tokens)} {config.token_column} but {len(values)} {column}; "
                    "every token needs one"
                )
        for token in tokens:
            if not isinstance(token, str):
                raise InputError(
                    f"{where}: {config.token_column} holds {token!r}, which is no string"
                )
        decode = self._decode
        return Sentence(
            tokens=tokens,
            labels=[decode(config.label_column, label, where, None) for label in labels],
            features=[
                [decode(feature, value, where, config.absent) for value in values]
                for feature, values in zip(config.features, features, strict=True)
            ],
            doc=self._document(record),
            line=line,
        )

    def _list(self, record: Mapping[str, Any], column: str, where: str) -> list[Any]:
        values = record[column]
        if not isinstance(values, list):
            shown = repr(values) if len(repr(values)) <= 60 else repr(values)[:57] + "..."
            raise InputError(f"{where}: {column} is {shown}; a list is wanted, a value per token")
        return values

    def _decode(self, column: str, value: Any, where: str, null: str | None) -> Any:
        if isinstance(value, str):
            if value:
                return value
            if null is not None:
                return null
            raise InputError(f"{where}: {column} holds an empty label; null is for no label")
        if value is None:
            return null
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(f"{where}: {column} holds {value!r}; strings are wanted")
        if column != self.config.label_column and column not in self.decoders:
            return str(value)
        if value == _NOT_SCORED:
            return null
        names = self.decoders.get(column)
        if names is None:
            raise InputError(
                f"{where}: {column} holds integers, and the file has no names for them: set "
                "data.label_names=[O,B-X,...] in their order"
            )
        if not 0 <= value < len(names):
            raise InputError(f"{where}: {column} holds {value}, but there are {len(names)} names")
        return names[value]

    def _document(self, record: Mapping[str, Any]) -> int:
        if self.config.document_column:
            value = record[self.config.document_column]
            if not self._first and value != self._doc_value:
                self._doc += 1
            self._first, self._doc_value = False, value
        return self._doc


def read_json(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a JSONL file: an object with token and label lists on each line."""
    reader = RecordReader(file.name, config)
    for number, line in enumerate(text_lines(file, config.encoding), file.first_line):
        if not line.strip(" \t"):
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            hint = "; one JSON object per line is wanted (JSONL)" if number == 1 else ""
            raise InputError(f"{file.name}:{number}: no JSON: {error}{hint}") from None
        if not isinstance(record, dict):
            raise InputError(
                f"{file.name}:{number}: a JSON {type(record).__name__}; one object per line is "
                'wanted: {"tokens": [...], "labels": [...]}'
            )
        yield reader.sentence(record, number)


def read_csv(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a CSV file with a header and a sentence in each row.

    Cells hold lists, as JSON (``["a", "b"]``) or as Python prints them (``['a', 'b']``), or else
    strings parted by spaces. Which of the two it is, the label cell tells: in a row whose label
    cell stands in brackets all are lists.
    """
    reader = RecordReader(file.name, config)
    is_tsv = ".tsv" in file.name.lower()
    separator = config.separator or ("\t" if is_tsv else ",")
    if len(separator) != 1:
        raise InputError(f"data.separator={separator!r}: a CSV separator is one character")
    csv.field_size_limit(_CELL_LIMIT)
    lines = (line + "\n" for line in text_lines(file, config.encoding))
    rows = csv.reader(lines, delimiter=separator, strict=True)
    line, header = 1, None
    try:
        for cells in rows:
            first, line = line, rows.line_num + 1
            if header is None:
                header = cells
                require_columns(config, header, f"{file.name}:1")
            elif cells:
                if len(cells) != len(header):
                    raise InputError(
                        f"{file.name}:{first}: {len(cells)} columns where the header has "
                        f"{len(header)}"
                    )
                record = dict(zip(header, cells, strict=True))
                yield reader.sentence(_csv_lists(record, config, f"{file.name}:{first}"), first)
    except csv.Error as error:
        raise InputError(f"{file.name}:{rows.line_num}: no CSV: {error}") from None


def _csv_lists(record: dict[str, Any], config: CorpusConfig, where: str) -> dict[str, Any]:
    """Return the record with its list columns parsed."""
    parse = _bracketed if _in_brackets(record[config.label_column]) else _spaced
    for column in (config.token_column, config.label_column, *config.features):
        record[column] = parse(record[column], f"{where}: {column}")
    return record


def _in_brackets(cell: str) -> bool:
    cell = cell.strip()
    return cell.startswith("[") and cell.endswith("]")


def _spaced(cell: str, where: str) -> list[str]:
    return [part for part in cell.replace("\n", " ").replace("\t", " ").split(" ") if part]


def _bracketed(cell: str, where: str) -> list[Any]:
    for parse in (json.loads, ast.literal_eval):
        try:
            values = parse(cell.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(values, list):
            return values
    raise InputError(f'{where} is no list: {cell[:60]!r}; wanted is ["a", "b"]')


def read_parquet(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a parquet file; its line numbers are row numbers, from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_binary(file) as raw:
            source = pq.ParquetFile(raw)
            require_columns(config, source.schema_arrow.names, file.name)
            reader = RecordReader(file.name, config, class_names(source.schema_arrow))
            batches = source.iter_batches(batch_size=_ROWS, columns=_columns(config))
            yield from from_batches(batches, reader)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from error


def from_batches(
    batches: Iterable[Any], reader: RecordReader, before: int = 0
) -> Iterator[Sentence]:
    """Yield the sentences of Arrow record batches, which have so many rows `before` them."""
    row = before
    for batch in batches:
        for record in batch.to_pylist():
            row += 1
            yield reader.sentence(record, row)


def _columns(config: CorpusConfig) -> list[str]:
    columns = [config.token_column, config.label_column, *config.features]
    return columns + [config.document_column] * bool(config.document_column)


def class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of integer classes that datasets has noted in an Arrow schema."""
    if b"huggingface" not in (schema.metadata or {}):
        return {}
    from datasets import Features

    return names_of(Features.from_arrow_schema(schema))


def names_of(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of the ClassLabel columns (or lists of it) among datasets' features."""
    found = {}
    for column, feature in features.items():
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
        if getattr(inner, "names", None):
            found[column] = list(inner.names)
    return found


READ: dict[str, Callable[[SourceFile, CorpusConfig], Iterator[Sentence]]] = {
    "json": read_json,
    "csv": read_csv,
    "parquet": read_parquet,
}
