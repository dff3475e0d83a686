"""CSV files with one token per row, and a column that names or numbers the sentences."""

from collections.abc import Iterator
from typing import Any

from seqtag.data.formats.layout import Layout
from seqtag.data.formats.records import RecordReader
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

# What programs write into a cell without a value, in lower case.
_NOTHING = frozenset(("", "nan", "none", "null", "<na>"))
# A line and the cells of a row.
Row = tuple[int, list[str]]


class TokenRows:
    """Joins rows to sentences.

    A sentence begins at a row whose sentence cell, or document cell, has another value than that of
    the row before. A sentence cell without a value continues the sentence.

    Args:
        name: name of the file.
        layout: the columns to read.
        reader: converts records to sentences.
        header: the names of all columns.
    """

    def __init__(self, name: str, layout: Layout, reader: RecordReader, header: list[str]) -> None:
        self.name, self.layout, self._reader, self._header = name, layout, reader, header
        self._sentence_at = header.index(layout.sentence_column or "")
        self._columns = {
            column: header.index(column)
            for column in (layout.token_column, layout.label_column, *layout.features)
            if column is not None
        }
        document = layout.document_column
        self._document_at = None if document is None else header.index(document)

    def sentences(self, rows: Iterator[Row]) -> Iterator[Sentence]:
        """Yield the sentences of the rows after the header."""
        group: list[Row] = []
        value = document = None
        for line, cells in rows:
            cell = cells[self._sentence_at].strip(" \t")
            here = document if self._document_at is None else cells[self._document_at]
            if cell.casefold() in _NOTHING:
                cell = self._continued(value, line)
            if group and (cell != value or here != document):
                yield self._sentence(group)
                group = []
            value, document = cell, here
            group.append((line, cells))
        if group:
            yield self._sentence(group)

    def _continued(self, value: str | None, line: int) -> str:
        if value is None:
            raise InputError(
                f"{self.name}:{line}: the first row has no value in the column "
                f"{self.layout.sentence_column!r}, which must name or number its sentence; is "
                f"{self.layout.setting('sentence_column')} the right column?"
            )
        return value

    def _sentence(self, rows: list[Row]) -> Sentence:
        lines = [line for line, _ in rows]
        record: dict[str, Any] = {
            column: [cells[at] for _, cells in rows] for column, at in self._columns.items()
        }
        self._refuse_empty(record, lines)
        if self._document_at is not None:
            record.setdefault(self._header[self._document_at], rows[0][1][self._document_at])
        return self._reader.sentence(record, lines[0], untyped=True)._replace(lines=lines)

    def _refuse_empty(self, record: dict[str, Any], lines: list[int]) -> None:
        """Raise an InputError for a row without a token or label."""
        layout = self.layout
        tokens = record[layout.token_column]
        if "" in tokens:
            raise InputError(
                f"{self.name}:{lines[tokens.index('')]}: the token (column "
                f"{layout.token_column!r}) is empty"
            )
        labels = record[layout.label_column] if layout.label_column is not None else ()
        if "" in labels:
            raise InputError(
                f"{self.name}:{lines[labels.index('')]}: the label (column "
                f"{layout.label_column!r}) is empty; if the token has no label, write a mark "
                "such as ? and set data.unlabelled=?"
            )
