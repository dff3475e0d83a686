"""CSV files with a header and one sentence per row, or one token per row."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import Any

from seqtag.data.formats.base import Format, register
from seqtag.data.formats.csv_tokens import Row, TokenRows
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.list_values import row_lists
from seqtag.data.formats.records import RecordReader
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

# A sentence of 50,000 tokens is one cell; the csv module's own limit is 131,072 characters.
_CELL_LIMIT = 2**31 - 1


@register("csv")
class Csv(Format):
    """One sentence per row; cells contain lists, or strings separated by spaces.

    Lists are JSON (``["a", "b"]``) or printed by Python (``['a', 'b']``) or numpy (``['a' 'b']``):
    see `list_values`. The labels of a row decide whether it has lists or spaced strings, so a
    file without labels cannot be read. With `Layout.sentence_column`, a row has one token: see
    `csv_tokens`.
    """

    endings = (".csv", ".tsv")
    decodes_labels = True
    tag_input = (
        "a header, then one token per row; --sentence-column names the column that names or "
        "numbers the sentences (default: data.sentence_column of the training corpus). The columns "
        "of tokens and features are called as in the training corpus"
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence]:
        """Yield the sentence of each row, or of the rows of each sentence."""
        reader = RecordReader(source.name, layout, nested=False)
        rows = _rows(source, layout)
        line, header = next(rows, (1, []))
        if not header:
            return
        reader.require(header, f"{source.name}:{line}")
        of_width = _of_width(rows, len(header), source.name)
        if layout.sentence_column is not None:
            yield from TokenRows(source.name, layout, reader, header).sentences(of_width)
            return
        if layout.label_column is None:
            raise InputError(
                f"{source.name}:{line}: CSV without labels is read with one token per row: name "
                "the column that names or numbers its sentences with "
                f"{layout.setting('sentence_column')}"
            )
        for line, cells in of_width:
            yield _sentence(dict(zip(header, cells, strict=True)), line, layout, reader)


def _sentence(row: dict[str, str], line: int, layout: Layout, reader: RecordReader) -> Sentence:
    """Return the sentence of a row; `row` has the cells by the names of their columns."""
    columns = (layout.label_column or "", layout.token_column, *layout.features)
    cells = [row[name] for name in columns]
    try:
        lists, spaced = row_lists(cells, columns)
    except ValueError as error:
        raise InputError(f"{reader.name}:{line}: {error}") from None
    record: dict[str, Any] = dict(zip(columns, lists, strict=True))
    if layout.document_column:
        record.setdefault(layout.document_column, row[layout.document_column])
    escapes = not spaced and any("\\" in cell for cell in cells)
    return reader.sentence(record, line, spaced, escapes)


def _of_width(rows: Iterator[Row], width: int, name: str) -> Iterator[Row]:
    """Yield the rows; raise an InputError for one with another number of cells than the header."""
    for line, cells in rows:
        if len(cells) != width:
            raise InputError(f"{name}:{line}: {len(cells)} columns where the header has {width}")
        yield line, cells


def _rows(source: Source, layout: Layout) -> Iterator[Row]:
    """Yield the first line number and the cells of each row; empty rows are left out."""
    separator = layout.separator or ("\t" if ".tsv" in source.name.lower() else ",")
    if len(separator) != 1:
        raise InputError(
            f"{layout.setting('separator')}={separator!r}: a CSV separator is one character"
        )
    csv.field_size_limit(_CELL_LIMIT)
    lines = chain.from_iterable(source.lines(keep_returns=True))
    rows = csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in rows:
            if cells:
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{source.name}:{line}: not CSV: {error}") from None
