"""Columns of CoNLL-U: fields of a row, and single features of feats and misc."""

import re
from collections.abc import Callable

from seqtag.data.formats.layout import Layout
from seqtag.errors import InputError

# Fields of key=value pairs, in which e.g. `feats.Number` selects one value.
_PAIRED = ("feats", "misc")
_UNREADABLE = ("id", "deps")
# No token has a number with more digits; Python refuses to parse more than 4,300 digits.
MAX_DIGITS = 9

Row = tuple[int, list[str]]


class ColumnReader:
    """Reads columns from the rows of a file.

    Args:
        layout: the columns to read.
        fields: the fields of the rows.
        where: the file and the line of its first row, for messages.

    Raises:
        InputError: for a column that the file does not have.
    """

    def __init__(self, layout: Layout, fields: tuple[str, ...], where: str) -> None:
        columns = (layout.token_column, layout.label_column, *layout.features)
        requested = [column for column in columns if column is not None]
        self._fields = fields
        self._keyed = [column for column in requested if self._is_keyed(column)]
        plain = [field for field in fields if field not in _UNREADABLE]
        layout.require(plain + self._keyed, where)
        self._getters = [self._getter(column, layout.absent) for column in requested]

    def values(self, name: str, words: list[Row]) -> list[list[str]]:
        """Return the values of each column (tokens, labels, features) for the words of a sentence.

        Raises:
            InputError: for a cell that cannot be parsed; the message has the file `name` and line.
        """
        try:
            values = [[get(cells) for _, cells in words] for get in self._getters]
        except _BadCell:
            raise self._at_line(name, words) from None
        for column in self._keyed:
            self._refuse_hidden_key(name, words, column)
        return values

    def _is_keyed(self, column: str) -> bool:
        """Return whether a column is a key of a field of pairs: feats.Number, misc.name."""
        field, _, key = column.partition(".")
        is_field = column in self._fields
        return not is_field and key != "" and field in _PAIRED and field in self._fields

    def _getter(self, column: str, absent: str) -> Callable[[list[str]], str]:
        """Return the function from the cells of a row to the value of a column."""
        field, _, key = column.partition(".") if column in self._keyed else (column, "", "")
        index = self._fields.index(field)
        if key:
            return lambda cells: pairs_of(cells[index]).get(key) or absent
        if field in ("form", "lemma"):
            return lambda cells: cells[index]
        if field == "head":
            return lambda cells: absent if (head := _head(cells[index])) is None else str(head)
        return lambda cells: absent if cells[index] in ("_", "") else cells[index]

    def _at_line(self, name: str, words: list[Row]) -> InputError | None:
        """Return the InputError for the first line with a cell that cannot be parsed."""
        for number, cells in words:
            for get in self._getters:
                try:
                    get(cells)
                except _BadCell as error:
                    return InputError(f"{name}:{number}: {error}")
        return None

    def _refuse_hidden_key(self, name: str, words: list[Row], column: str) -> None:
        """Raise an InputError if a key is part of another key's value, and so would be lost.

        For example, ``SpaceAfter=No name=B-PER`` has a space instead of the bar.
        """
        field, _, key = column.partition(".")
        index = self._fields.index(field)
        for number, cells in words:
            cell = cells[index]
            if key in cell and key not in pairs_of(cell):
                escaped = re.escape(key)
                if re.search(rf"[\s,;]{escaped}\s*=|(?:^|\|){escaped}\s+=", cell):
                    raise InputError(
                        f"{name}:{number}: {field} is {cell[:60]!r}, in which {key!r} is not read "
                        "as a key: separate pairs by a bar without spaces (A=1|B=2)"
                    )


class _BadCell(ValueError):
    """A cell that cannot be parsed; the caller adds its line."""


def pairs_of(cell: str) -> dict[str, str]:
    """Return the key=value pairs of a cell; the value is "" for a key without a value."""
    if cell == "_":
        return {}
    parts = (part.partition("=") for part in cell.split("|"))
    return {key: "" if value == "_" else value for key, _, value in parts if key not in ("", "_")}


def _head(cell: str) -> int | None:
    from conllu.exceptions import ParseException
    from conllu.parser import parse_int_value

    if len(cell) > MAX_DIGITS:
        raise _BadCell(f"Failed parsing field 'head': {cell[:MAX_DIGITS]}... is too long")
    try:
        return parse_int_value(cell)
    except ParseException as error:
        raise _BadCell(f"Failed parsing field 'head': {error}") from None
