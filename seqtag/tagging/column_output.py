"""Tagged sentences as a column file: lines of a column file are kept, others get two columns."""

import re
from collections.abc import Callable, Iterator, Sequence

from seqtag.data.formats.base import find_format
from seqtag.data.formats.layout import REST, SKIP, split_at_blanks
from seqtag.data.formats.sentence import InputLines
from seqtag.errors import InputError, did_you_mean, listed
from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item
from seqtag.tagging.writer import Writer

_CELL = re.compile(r"[^ \t]+")


class ColumnOutput(Writer):
    """A column file: token, label and any probability, or the columns of the input.

    A sentence that was read from a column file keeps its lines: comments, empty lines, document
    markers, all columns, and what separates them. The labels replace the column of labels if the
    file has it, else they are added as the last column. Probabilities become the last column.

    Args:
        column: the name of the column of labels.
        required: whether a file without that column is refused.
    """

    def __init__(self, column: str, required: bool = False) -> None:
        self._column, self._required = column, required
        self._write_two = find_format("column").write
        # The number and text of the last line of the input that was written.
        self._last: tuple[int, str] | None = None
        self._rest: Sequence[tuple[int, str]] = ()

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        """Return the lines of a sentence."""
        if item.source is None or item.source.format != "column":
            return self._write_two(sentence.to_plain())
        lines = self._filled(item.source, sentence)
        return "".join(f"{line}\n" for line in lines)

    def end(self) -> str:
        """Return the lines after the last sentence of the input, if that was the last one."""
        following = self._last is not None and self._rest and self._follows(self._rest[0][0])
        return "".join(f"{line}\n" for _, line in self._rest) if following else ""

    def _follows(self, number: int) -> bool:
        return self._last is not None and self._last[0] + 1 == number

    def _filled(self, source: InputLines, sentence: TaggedSentence) -> Iterator[str]:
        """Yield the lines of the input, with the labels in their column."""
        if self._last is not None and self._last[1].strip(" \t"):
            # Sentences in another order, of which the last one had no empty line after it.
            yield from () if self._follows(source.lines[0][0]) else ("",)
        self._last, self._rest = source.lines[-1], source.rest
        put = self._putter(source)
        cells = [sentence.labels]
        if sentence.probabilities is not None:
            cells.append([f"{value:.6f}" for value in sentence.probabilities])
        added = dict(zip(source.words, zip(*cells, strict=True), strict=True))
        for number, line in source.lines:
            yield put(line, *added[number]) if number in added else line

    def _putter(self, source: InputLines) -> Callable[..., str]:
        """Return the function that puts a label, and any further cells, into a line."""
        names, separator = source.fields, source.separator
        if self._required and self._column not in names:
            known = [name for name in names if name not in (SKIP, REST)]
            raise InputError(
                f"--label-column: no column {self._column!r}{did_you_mean(self._column, known)}; "
                f"there are: {listed(known)}: choose one, or leave the option out to add a column"
            )
        index = names.index(self._column) if self._column in names else None

        def put(line: str, label: str, *more: str) -> str:
            parts = split_at_blanks(label) if separator is None else label.split(separator)
            if parts != [label]:
                raise InputError(
                    f"the label {label!r} cannot be written to a column, since it contains the "
                    "separator: use --format json"
                )
            if index is not None:
                return _with_cells(_replaced(line, index, label, separator), more, separator)
            return _with_cells(line, (label, *more), separator)

        return put


def _replaced(line: str, index: int, cell: str, separator: str | None) -> str:
    """Return a line with another cell at `index`."""
    if separator is not None:
        cells = line.split(separator)
        cells[index] = cell
        return separator.join(cells)
    start, end = [match.span() for match in _CELL.finditer(line)][index]
    return line[:start] + cell + line[end:]


def _with_cells(line: str, cells: Sequence[str], separator: str | None) -> str:
    """Return a line with further cells at its end, separated as its last two cells are."""
    if not cells:
        return line
    if separator is None:
        line = line.rstrip(" \t")
        ends = [match.span() for match in _CELL.finditer(line)][-2:]
        separator = line[ends[0][1] : ends[1][0]] if len(ends) == 2 else "\t"
    return separator.join([line, *cells])
