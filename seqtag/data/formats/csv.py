"""CSV files with a header and one sentence per row."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import Any

from seqtag.data.formats.base import Format, register
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
    file without labels cannot be read.
    """

    endings = (".csv", ".tsv")
    decodes_labels = True

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence]:
        """Yield the sentence of each row."""
        reader = RecordReader(source.name, layout)
        columns = (layout.label_column or "", layout.token_column, *layout.features)
        header: list[str] = []
        for line, cells in _rows(source, layout.separator):
            where = f"{source.name}:{line}"
            if not header:
                header = cells
                reader.require(header, where)
                positions = [header.index(name) for name in columns]
                document = header.index(layout.document_column) if layout.document_column else None
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{where}: {len(cells)} columns where the header has {len(header)}"
                )
            try:
                lists, spaced = row_lists([cells[position] for position in positions], columns)
            except ValueError as error:
                raise InputError(f"{where}: {error}") from None
            record: dict[str, Any] = dict(zip(columns, lists, strict=True))
            if layout.document_column and document is not None:
                record.setdefault(layout.document_column, cells[document])
            escapes = not spaced and any("\\" in cells[position] for position in positions)
            yield reader.sentence(record, line, spaced, escapes)


def _rows(source: Source, separator: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number and the cells of each row; empty rows are left out."""
    separator = separator or ("\t" if ".tsv" in source.name.lower() else ",")
    if len(separator) != 1:
        raise InputError(f"data.separator={separator!r}: a CSV separator is one character")
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
