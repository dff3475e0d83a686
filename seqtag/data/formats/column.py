"""Column files: one token per line, labels in columns, empty lines between sentences."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from seqtag.data.formats.base import Format, register
from seqtag.data.formats.layout import Layout, column_count, named_separators, splitter
from seqtag.data.formats.lines import Source, after_blank_line
from seqtag.data.formats.sentence import InputLines, Sentence
from seqtag.errors import InputError, shown


@register("column")
class Column(Format):
    """One token per line, with its labels in columns; a blank line ends a sentence."""

    positional = True
    tag_input = (
        "one token per line, an empty line after each sentence. If the training corpus was a "
        "column file, its columns, separator, comments and document marker apply; rows may lack "
        "the label, or have only the columns that the tagger reads (all like the first row). "
        "Otherwise the token comes first, then the columns that the tagger reads, then any "
        "others. --columns and the options after it override this."
    )
    tag_output = (
        "token, tab, label; an empty line after each sentence, even one without tokens. From "
        "column input all lines are kept, and the labels replace its column of labels or are "
        "added as the last column (see --label-column)"
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence | None]:
        """Yield the sentences; a document marker also ends a sentence.

        Raises:
            InputError: for a line with a wrong number of columns, or an empty token or label.
        """
        split, comment, marker = splitter(layout.separator), layout.comment, layout.document_marker
        token_index = layout.columns.index(layout.token_column)
        shape = _RowShape(layout, source.name)
        expected, exact = column_count(layout.columns)
        fixed = not layout.alternatives and not layout.separator_guessed
        rows: list[list[str]] = []
        numbers: list[int] = []
        # A later part of a file begins after a sentence, and so within a document.
        doc, next_line, in_document = 0, source.place.line, source.is_later_part
        # In a file to be tagged, the lines of the sentence that is being read, for the output.
        keep_lines = layout.label_column is None
        kept: list[tuple[int, str]] = []
        for lines in source.lines():
            for number, line in enumerate(lines, next_line):
                is_marker = False
                if keep_lines:
                    kept.append((number, line))
                if line.strip(" \t"):
                    if comment is not None and line.startswith(comment):
                        continue
                    cells = split(line)
                    is_marker = marker is not None and (
                        line.startswith(marker) or marker in cells[token_index : token_index + 1]
                    )
                    if not is_marker:
                        if not fixed:
                            expected, exact, token_index = shape.of_row(cells, number, line)
                        if len(cells) != expected and (exact or len(cells) < expected):
                            raise shape.wrong_width(number, line, len(cells))
                        rows.append(cells)
                        numbers.append(number)
                        continue
                if rows:
                    end = len(kept) - is_marker
                    yield shape.sentence(rows, numbers, doc, kept[:end])
                    rows, numbers, in_document, kept = [], [], True, kept[end:]
                if is_marker and in_document:
                    doc, in_document = doc + 1, False
            next_line += len(lines)
            yield None
        if rows:
            yield shape.sentence(rows, numbers, doc, kept)
            kept = []
        shape.rest += kept

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return True, since sentences end at empty lines."""
        return True

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the next position after an empty line that follows a row."""
        comment = (layout.comment or "").encode(layout.encoding, "replace")
        marker = (layout.document_marker or "").encode(layout.encoding, "replace")

        def is_row(line: bytes) -> bool:
            return not (comment and line.startswith(comment)) and not (marker and marker in line)

        return after_blank_line(raw, is_row)

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a line for each token: token, label and any probability, separated by tabs."""
        cells = [record["tokens"], record["labels"]]
        if "probabilities" in record:
            cells.append([f"{value:.6f}" for value in record["probabilities"]])
        for token in record["tokens"]:
            if not token.strip(" ") or any(sign in token for sign in "\t\n\r"):
                raise InputError(
                    f"the token {token!r} cannot be written in a column: use --format json"
                )
        return "".join("\t".join(row) + "\n" for row in zip(*cells, strict=True)) + "\n"


class _RowShape:
    """The columns of a file, chosen by its first row among those that the layout allows."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.layout, self.name = layout, name
        self.columns = layout.columns
        self._first: int | None = None
        # The lines after the last sentence, once the file has been read.
        self.rest: list[tuple[int, str]] = []

    def of_row(self, cells: list[str], number: int, line: str) -> tuple[int, bool, int]:
        """Return the number of columns, whether it is exact, and the index of the token.

        The first row decides which of the allowed columns the file has.
        """
        if self.layout.separator_guessed and "\t" in line:
            self._refuse_ambiguous(cells, number, line)
        if self._first is None:
            self._first = number
            expected, exact = column_count(self.columns)
            if len(cells) != expected and (exact or len(cells) < expected):
                fitting = [shape for shape in self.layout.alternatives if len(shape) == len(cells)]
                self.columns = fitting[0] if fitting else self.columns
        return *column_count(self.columns), self.columns.index(self.layout.token_column)

    def sentence(
        self,
        rows: list[list[str]],
        numbers: list[int],
        doc: int,
        lines: list[tuple[int, str]],
    ) -> Sentence:
        """Return the sentence of some rows; `lines` are kept for the output of a tagged file."""
        layout = self.layout
        by_name = dict(zip(self.columns, zip(*rows, strict=False), strict=False))
        tokens = by_name[layout.token_column]
        labels = by_name[layout.label_column] if layout.label_column is not None else ()
        if "" in tokens:
            raise self._empty("token", layout.token_column, numbers[tokens.index("")])
        if "" in labels:
            raise self._empty("label", layout.label_column, numbers[labels.index("")])
        absent, source = layout.absent, None
        if lines:
            source = InputLines("column", self.columns, lines, numbers, layout.separator, self.rest)
        return Sentence(
            tokens=list(tokens),
            labels=list(labels),
            features=[[cell or absent for cell in by_name[name]] for name in layout.features],
            doc=doc,
            line=numbers[0],
            lines=numbers,
            source=source,
        )

    def _empty(self, what: str, column: str | None, number: int) -> InputError:
        return InputError(f"{self.name}:{number}: the {what} (column {column!r}) is empty")

    def _refuse_ambiguous(self, cells: list[str], number: int, line: str) -> None:
        if [cell.strip(" ") for cell in line.strip(" \t").split("\t")] != cells:
            raise InputError(
                f"{self.name}:{number}: ambiguous separator: split at tabs alone, some cells "
                "contain spaces or are empty; split at spaces too, the line has other cells. Set "
                f"{self.layout.setting('separator')} (tab or null): {shown(line)}"
            )

    def wrong_width(self, number: int, line: str, width: int) -> InputError:
        """Return the InputError for a line with too few or too many columns."""
        layout, columns = self.layout, self.columns
        expected, exact = column_count(columns)
        setting = layout.setting("columns")
        owner = layout.columns_source if columns == layout.columns else f"line {self._first} has"
        options = [shape for shape in layout.alternatives if self._first == number]
        others = "".join(f", or {len(s)} ({', '.join(s)})" for s in options)
        message = (
            f"{self.name}:{number}: {width} column{'s' * (width != 1)} where {owner} {expected}"
            f"{' or more' * (not exact)} ({', '.join(columns)}){others}: {shown(line)}"
        )
        if line.startswith("#") and layout.comment is None:
            start = " ".join(line.split()[:2]) if line.startswith("# ") else "#"
            return InputError(
                f"{message}; if it is a comment, set "
                f'"{layout.setting("comment")}={start[:20]!r}": lines that begin with that are '
                "skipped"
            )
        for separator, name in named_separators().items():
            if separator != layout.separator and len(splitter(separator)(line)) == expected:
                with_other = f"{layout.setting('separator')}={name}"
                return InputError(f"{message}; it has {expected} with {with_other}")
        separator = named_separators().get(layout.separator, repr(layout.separator))
        return InputError(
            f"{message}; {layout.setting('separator')} is {separator}; "
            f"name every column of the file in {setting}, with '_' for columns to skip"
        )
