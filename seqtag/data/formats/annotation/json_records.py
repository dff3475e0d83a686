"""Read JSON objects one at a time: from lines, or from one array, of any size."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from seqtag.data.formats.document import CharSpan, Fault
from seqtag.data.formats.json import LINE_ENDS_ESCAPED
from seqtag.data.formats.json_array import JsonText
from seqtag.data.formats.json_object import parse_object
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source, text_pieces
from seqtag.errors import InputError, shown

_EXPECTED = "expected are a JSON object per line, or an array of objects"
_BLANKS = " \t\r\n"


class Record(NamedTuple):
    """An object of a file, its line, and its place for messages."""

    value: dict[str, Any]
    line: int
    where: str


def json_records(source: Source) -> Iterator[Record | None]:
    """Yield the objects of a file, and None when no more input is available yet.

    Raises:
        InputError: for text that is neither an object per line nor an array of objects.
    """
    text = JsonText(source.name, text_pieces(source), f"; {_EXPECTED}")
    if text.start_array(keys=None):
        for found in text.records():
            yield found and Record(found.value, found.line, f"{source.name}:{found.line}")
        return
    pieces = chain([text.text] if text.text else [], text.pieces)
    for numbered in source.numbered_lines(keep_returns=True, pieces=pieces):
        if numbered is None:
            yield None
        elif numbered[1].strip(_BLANKS):
            number, line = numbered
            where = f"{source.name}:{number}"
            yield Record(parse_object(line, where, (), _EXPECTED), number, where)


def text_keys(layout: Layout, *others: str) -> tuple[str, ...]:
    """Return the keys that may have the text of a record, the first choice first.

    In training only the key that was set, if one was; in use also the tool's own keys.
    """
    own = layout.token_column
    is_set = layout.label_column is not None and own != others[0]
    return (own,) if is_set else (own, *others)


def text_of(record: Mapping[str, Any], keys: tuple[str, ...], where: str) -> tuple[str, str]:
    """Return the text of a record and its key: the first of `keys` with a string.

    Raises:
        InputError: if there is none.
    """
    for key in keys:
        if isinstance(record.get(key), str):
            return record[key], key
    raise InputError(
        f"{where}: the record has no text under {keys[0]!r}; its keys are "
        f"{', '.join(map(shown, list(record)[:10])) or 'none'}. Set data.token_column"
    )


def char_span(start: Any, end: Any, type_: Any) -> CharSpan | Fault:
    """Return the span of JSON values, or what is wrong with them."""
    is_whole = type(start) is int and type(end) is int
    if not is_whole:
        return Fault("have offsets that are not whole numbers", f"{shown(start)}, {shown(end)}")
    if type(type_) is int:
        type_ = str(type_)
    return CharSpan(start, end, type_ if isinstance(type_, str) else "")


def json_text(record: Mapping[str, Any]) -> str:
    """Return a record as JSON, on one line.

    Raises:
        InputError: if metadata of the input are not valid JSON.
    """
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise InputError(
            "the record of the input contains a number that is not valid JSON (NaN), or is nested "
            f"too deeply: {shown(record)}"
        ) from None
    return text.translate(LINE_ENDS_ESCAPED)
