"""Column files: a token a line with its labels in columns, sentences parted by empty lines."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from seqtag.data.formats.base import Format, register
from seqtag.data.formats.layout import Layout, separators, splitter, width_of
from seqtag.data.formats.lines import Source, after_blank_line
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, shown


@register("column")
class Column(Format):
    """A token a line, its labels in columns; a line of nothing but spaces ends a sentence."""

    positional = True
    tag_input = (
        "a token a line, an empty line after each sentence. Columns, separator, comments and "
        "document marker are those of the corpus that the tagger was trained on, if that was in "
        "columns; rows may lack the label, or have only the columns that the tagger reads: the "
        "first row tells which. Else the token comes first, then the columns that the tagger "
        "reads, then any others. --columns and the options after it say otherwise."
    )
    tag_output = (
        "token, tab, label; an empty line after each sentence (one without tokens: that line)"
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence | None]:
        """Yield the sentences; a document marker ends one, too.

        Raises:
            InputError: for a line with the wrong number of columns, an empty token or label.
        """
        split, comment, marker = splitter(layout.separator), layout.comment, layout.document_marker
        token_index = layout.columns.index(layout.token_column)
        shape = _Shape(layout, source.name)
        wanted, exact = width_of(layout.columns)
        fixed = not layout.shorter and not layout.presumed
        rows: list[list[str]] = []
        numbers: list[int] = []
        # What comes before a part of a file ends in a sentence.
        doc, following, in_document = 0, source.place.line, source.is_later_part
        for lines in source.lines():
            for number, line in enumerate(lines, following):
                is_marker = False
                if line.strip(" \t"):
                    if comment is not None and line.startswith(comment):
                        continue
                    cells = split(line)
                    is_marker = marker is not None and (
                        line.startswith(marker) or marker in cells[token_index : token_index + 1]
                    )
                    if not is_marker:
                        if not fixed:
                            wanted, exact, token_index = shape.of(cells, number, line)
                        if len(cells) != wanted and (exact or len(cells) < wanted):
                            raise shape.wrong_width(number, line, len(cells))
                        rows.append(cells)
                        numbers.append(number)
                        continue
                if rows:
                    yield shape.sentence(rows, numbers, doc)
                    rows, numbers, in_document = [], [], True
                if is_marker and in_document:
                    doc, in_document = doc + 1, False
            following += len(lines)
            yield None
        if rows:
            yield shape.sentence(rows, numbers, doc)

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return True: sentences end at empty lines."""
        return True

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the next place behind an empty line after a row."""
        comment = (layout.comment or "").encode(layout.encoding, "replace")
        marker = (layout.document_marker or "").encode(layout.encoding, "replace")

        def is_row(line: bytes) -> bool:
            return not (comment and line.startswith(comment)) and not (marker and marker in line)

        return after_blank_line(raw, is_row)

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a line for each token: token, label and probability, between tabs."""
        cells = [record["tokens"], record["labels"]]
        if "probabilities" in record:
            cells.append([f"{value:.6f}" for value in record["probabilities"]])
        for token in record["tokens"]:
            if not token.strip(" ") or any(sign in token for sign in "\t\n\r"):
                raise InputError(f"the token {token!r} cannot stand in a column: use --format json")
        return "".join("\t".join(row) + "\n" for row in zip(*cells, strict=True)) + "\n"


class _Shape:
    """The columns that a file turns out to have, among those that its layout allows."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.layout, self.name = layout, name
        self.columns = layout.columns
        self._first: int | None = None

    def of(self, cells: list[str], number: int, line: str) -> tuple[int, bool, int]:
        """Return what a row must have: its width, whether exactly that, and the token's place.

        The first row decides.
        """
        if self.layout.presumed and "\t" in line:
            self._refuse_ambiguous(cells, number, line)
        if self._first is None:
            self._first = number
            wanted, exact = width_of(self.columns)
            if len(cells) != wanted and (exact or len(cells) < wanted):
                fitting = [shape for shape in self.layout.shorter if len(shape) == len(cells)]
                self.columns = fitting[0] if fitting else self.columns
        return *width_of(self.columns), self.columns.index(self.layout.token_column)

    def sentence(self, rows: list[list[str]], numbers: list[int], doc: int) -> Sentence:
        """Return rows as a sentence."""
        layout = self.layout
        by_name = dict(zip(self.columns, zip(*rows, strict=False), strict=False))
        tokens = by_name[layout.token_column]
        labels = by_name[layout.label_column] if layout.label_column is not None else ()
        if "" in tokens:
            raise self._empty("token", layout.token_column, numbers[tokens.index("")])
        if "" in labels:
            raise self._empty("label", layout.label_column, numbers[labels.index("")])
        absent = layout.absent
        return Sentence(
            tokens=list(tokens),
            labels=list(labels),
            features=[[cell or absent for cell in by_name[name]] for name in layout.features],
            doc=doc,
            line=numbers[0],
            lines=numbers,
        )

    def _empty(self, what: str, column: str | None, number: int) -> InputError:
        return InputError(f"{self.name}:{number}: the {what} (column {column!r}) is empty")

    def _refuse_ambiguous(self, cells: list[str], number: int, line: str) -> None:
        if [cell.strip(" ") for cell in line.strip(" \t").split("\t")] != cells:
            raise InputError(
                f"{self.name}:{number}: cells that hold spaces or are empty, if tabs stand "
                f"between them; others if spaces do too: set "
                f"{self.layout.setting('separator')} (tab or null): {shown(line)}"
            )

    def wrong_width(self, number: int, line: str, width: int) -> InputError:
        """Return the InputError for a line with too few or too many columns."""
        layout, columns = self.layout, self.columns
        wanted, exact = width_of(columns)
        setting = layout.setting("columns")
        whose = layout.whose if columns == layout.columns else f"line {self._first} has"
        options = [shape for shape in layout.shorter if self._first == number]
        others = "".join(f", or {len(s)} ({', '.join(s)})" for s in options)
        message = (
            f"{self.name}:{number}: {width} column{'s' * (width != 1)} where {whose} {wanted}"
            f"{' or more' * (not exact)} ({', '.join(columns)}){others}: {shown(line)}"
        )
        if line.startswith("#") and layout.comment is None:
            start = " ".join(line.split()[:2]) if line.startswith("# ") else "#"
            return InputError(
                f"{message}; if it is a comment, set "
                f'"{layout.setting("comment")}={start[:20]!r}": lines that begin with that are '
                "skipped"
            )
        for separator, called in separators().items():
            if separator != layout.separator and len(splitter(separator)(line)) == wanted:
                with_other = f"{layout.setting('separator')}={called}"
                return InputError(f"{message}; it has {wanted} with {with_other}")
        separator = separators().get(layout.separator, repr(layout.separator))
        return InputError(
            f"{message}; {layout.setting('separator')} is {separator}; "
            f"name every column of the file in {setting}, '_' for one to skip"
        )
