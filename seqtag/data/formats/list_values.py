"""Parse cells of a CSV file: lists as JSON or as printed by Python or numpy, or spaced strings.

The grammar of lists never joins two strings into one:

    list   = "[" items "]" | "(" items ")" | "array([" items "], dtype=...)" | JSON
    items  = item ("," item)* ","?  |  item (space item)*        never with both separators
    item   = a quoted string | a number | None | True | False | nan | np.TYPE(item)
"""

import json
import re
from collections.abc import Sequence
from typing import Any

_BLANKS = " \t\r\n"
_decode = json.JSONDecoder().decode
_NUMBER = r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_CONSTANTS = {
    **{"None": None, "null": None, "True": True, "true": True, "False": False, "false": False},
    **{"nan": float("nan"), "NaN": float("nan"), "inf": float("inf"), "-inf": float("-inf")},
}
# Groups: np.str_( | in single quotes | in double quotes | number | word | separator.
_ITEM = re.compile(
    r"(np\.\w+\()?(?:'([^'\\\r\n]*(?:\\.[^'\\\r\n]*)*)'"
    r'|"([^"\\\r\n]*(?:\\.[^"\\\r\n]*)*)"'
    rf"|({_NUMBER})|({'|'.join(_CONSTANTS)}))(?(1)\))([ \t\r\n]*,[ \t\r\n]*|[ \t\r\n]+|\Z)"
)
_ARRAY = re.compile(
    r"(?:np\.|numpy\.)?array\([ \t\r\n]*(\[.*\])"
    r"(?:,[ \t\r\n]*(?:dtype=(?:'[^']*'|[\w.]+)|shape=\([0-9, ]*\)))*[ \t\r\n]*\)",
    re.DOTALL,
)
# Python's repr writes these escapes and no others.
_ESCAPE = re.compile(
    r"\\(?:([\\'\"nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4})|(.))"
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
# No 64-bit integer has more digits. Python itself refuses to parse more than 4,300 digits.
_MOST_DIGITS = 20
# Cells of labels in unsupported notations of lists: R, pandas, sets, objects.
_OTHER_NOTATION = re.compile(
    r"""\{[^{}]*\}$|<\w*Array>|(?:np\.|numpy\.)?(?:c|list|tuple|set|array|Index|Series)\("""
)
_OPENS_QUOTED = re.compile(r"""[\[({]['"]""")
_QUOTED = re.compile(r"""(?:^|[ \t\n])(['"])[^ \t\n]+\1(?:$|[ \t\n])""")
# A list of strings as programs print it, even if shortened. Text has a space after a bracket.
_PRINTED = re.compile(
    r"""(?:[\w.]+\()?\[(?:np\.\w+\()?['"].*['"]\)?,?[ \t\r\n]*\](?:,[^\]]*\)|\))?""", re.DOTALL
)
_EXPECTED = 'expected a list as JSON, ["a", "b"]'


def row_lists(cells: Sequence[str], names: Sequence[str]) -> tuple[list[list[Any]], bool]:
    """Return the lists in the cells of a row, and whether they are spaced strings.

    Tokens can be brackets, but labels never look like a list. So the cells of a row are lists
    if the cell of labels is a list, and strings separated by spaces otherwise. A row of lists
    may mix notations.

    Args:
        cells: the cells of labels, tokens and further columns, in this order.
        names: names of these columns in messages.

    Raises:
        ValueError: for a cell that is not a list in a row of lists, for a list in a row of spaced
            strings, and for labels in an unsupported notation.
    """
    if _looks_like_list(cells[0]):
        return [
            _parse_list_cell(cell, name) for cell, name in zip(cells, names, strict=True)
        ], False
    _refuse_other_notation(cells[0], names[0])
    for i in range(1, len(cells)):
        last = cells[i].rstrip(_BLANKS)[-1:]
        if (last == "]" or last == ")") and _is_stray_list(cells[i], cells[1] if i > 1 else None):
            raise ValueError(
                f"{names[i]} is a list, {_shortened(cells[i])}, but {names[0]} is not, "
                f"{_shortened(cells[0])}: write both as JSON, or both separated by spaces"
            )
    return [_split_words(cell) for cell in cells], True


def parse_list(cell: str) -> list[Any]:
    """Return the items of a list in any notation of the grammar above.

    Raises:
        ValueError: if the cell is not a list, or is not in the grammar.
    """
    text = cell.strip(_BLANKS)
    if text[:1] not in ("[", "("):
        array = _ARRAY.fullmatch(text)
        text = array[1] if array else text
    if text.startswith("[") and text.endswith("]"):
        try:
            return _decode(text)
        except (ValueError, RecursionError):
            return _items(text[1:-1], spaces=True)
    if text.startswith("(") and text.endswith(")"):
        items = _items(text[1:-1], spaces=False)
        if len(items) == 1 and not text[1:-1].rstrip(_BLANKS).endswith(","):
            raise ValueError("a tuple of one item ends with a comma")
        return items
    raise ValueError("there are no brackets around it")


def _items(text: str, spaces: bool) -> list[Any]:
    text = text.strip(_BLANKS)
    items: list[Any] = []
    by_space = by_comma = False
    at = 0
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None:
            raise ValueError(_fault(text[at : at + 40]))
        _, single, double, number, word, separator = match.groups()
        if single is not None or double is not None:
            string = single if single is not None else double
            items.append(_ESCAPE.sub(_unescape, string) if "\\" in string else string)
        else:
            items.append(_number(number) if number else _CONSTANTS[word])
        if separator:
            is_comma = "," in separator
            by_comma, by_space = by_comma or is_comma, by_space or not is_comma
        at = match.end()
    if by_space and (by_comma or not spaces):
        raise ValueError("some of its items have no comma between them")
    return items


def _fault(rest: str) -> str:
    if rest.startswith("..."):
        return (
            "numpy left out the items at '...', as it does when it prints an array of more than "
            "1,000 items"
        )
    if rest[:1] in ("[", "(", "{"):
        return f"its item {_shortened(rest)} is not a string or number"
    return f"{_shortened(rest)} is not an item: strings must be in quotes"


def _number(text: str) -> int | float:
    digits = text.lstrip("+-")
    if not digits.isdigit():
        return float(text)
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(text)


def _unescape(match: re.Match[str]) -> str:
    letter, *codes, other = match.groups()
    if other is not None:
        raise ValueError(f"'\\{other}' is not an escape that Python writes")
    if letter is not None:
        return _ESCAPED.get(letter, letter)
    return chr(int(next(code for code in codes if code is not None), 16))


def _looks_like_list(label_cell: str) -> bool:
    """Return whether a cell of labels is intended as a list, even if it cannot be parsed."""
    text = label_cell.strip(_BLANKS)
    if text.startswith("[") and text.endswith("]"):
        return True
    if not text.endswith(")"):
        return False
    if _ARRAY.fullmatch(text):
        return True
    if not text.startswith("("):
        return False
    try:
        parse_list(text)
    except ValueError:
        return False  # "(" and ")" are labels, or parts of labels, in some tag sets
    return True


def _is_stray_list(cell: str, token_cell: str | None) -> bool:
    """Return whether a cell in a row of spaced strings is probably a list.

    `token_cell` is the cell of tokens if `cell` is that of another column. A list of numbers in
    the cell of tokens is a word such as "[1]", which other columns may repeat.
    """
    text = cell.strip(_BLANKS)
    if _PRINTED.fullmatch(text):
        return True
    try:
        items = parse_list(text)
    except ValueError:
        return False
    if token_cell is not None:
        return not token_cell.lstrip(_BLANKS).startswith(("[", "("))
    return text[1] not in _BLANKS and any(isinstance(item, str) for item in items)


def _refuse_other_notation(cell: str, name: str) -> None:
    text = cell.strip(_BLANKS)
    quotes = "'" in text or '"' in text
    if _OTHER_NOTATION.match(text) or (quotes and _OPENS_QUOTED.search(text)):
        raise ValueError(
            f"{name} is a list in an unsupported notation: {_shortened(cell)}; {_EXPECTED}"
        )
    quoted = _QUOTED.search(text) if quotes else None
    if quoted:
        raise ValueError(
            f"{name} has a label in quotes: {_shortened(quoted[0].strip(_BLANKS))}; {_EXPECTED}, "
            "or labels without quotes, separated by spaces"
        )


def _parse_list_cell(cell: str, name: str) -> list[Any]:
    try:
        return parse_list(cell)
    except ValueError as error:
        raise ValueError(
            f"{name} is not a list: {_shortened(cell)} ({error}); {_EXPECTED}"
        ) from None


def _split_words(cell: str) -> list[str]:
    return [part for part in cell.replace("\n", " ").replace("\t", " ").split(" ") if part]


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
