"""Read JSON objects one at a time: from lines, or from one array, of any size."""

import json
from collections.abc import Generator, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from seqtag.data.formats.document import CharSpan, Fault
from seqtag.data.formats.json import LINE_ENDS_ESCAPED
from seqtag.data.formats.json_object import describe_fault, parse_object
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source, text_pieces
from seqtag.errors import InputError, shown

_EXPECTED = "expected are a JSON object per line, or an array of objects"
# Longer records are refused, so that memory stays bounded.
_MAX_RECORD = 1 << 26
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
    pieces = text_pieces(source)
    start = ""
    for piece in pieces:
        start += piece
        if start.strip(_BLANKS):
            break
        if len(start) > _MAX_RECORD:
            raise InputError(f"{source.name}:1: only white space; {_EXPECTED}")
        yield None
    reader = _read_array if start.lstrip(_BLANKS).startswith("[") else _read_lines
    yield from reader(source.name, start, pieces)


def _read_lines(name: str, text: str, pieces: Iterator[str]) -> Iterator[Record | None]:
    number = 0
    for line in _lines(name, text, pieces):
        if line is None:
            yield None
            continue
        number += 1
        if line.strip(_BLANKS):
            where = f"{name}:{number}"
            yield Record(parse_object(line, where, (), _EXPECTED), number, where)


def _lines(name: str, text: str, pieces: Iterator[str]) -> Iterator[str | None]:
    """Yield the lines of `text` and further pieces, and None after each piece."""
    waiting: list[str] = []
    size, number = 0, 1
    for piece in chain([text], pieces):
        first, *others = piece.split("\n")
        waiting.append(first)
        size += len(first)
        if others:
            yield "".join(waiting)
            yield from others[:-1]
            waiting, size = [others[-1]], len(others[-1])
            number += len(others)
        if size > _MAX_RECORD:
            raise _too_long(name, number)
        yield None
    yield "".join(waiting)


def _read_array(name: str, text: str, pieces: Iterator[str]) -> Iterator[Record | None]:
    """Yield the objects of an array, of which `text` is the beginning."""
    buffer = _Buffer(name, text, pieces)
    yield from buffer.skip_blanks()
    buffer.position += 1  # [
    is_first = True
    while True:
        yield from buffer.skip_blanks()
        sign = buffer.sign()
        if sign == "]":
            break
        if not is_first:
            if sign != ",":
                raise buffer.error("a comma or the end of the array (]) is missing")
            buffer.position += 1
            yield from buffer.skip_blanks()
        is_first = False
        line = buffer.line()
        value = yield from buffer.value()
        if not isinstance(value, dict):
            raise InputError(f"{name}:{line}: {shown(value)} in the array; {_EXPECTED}")
        yield Record(value, line, f"{name}:{line}")
    buffer.position += 1
    yield from buffer.skip_blanks()
    if buffer.sign():
        raise buffer.error("text after the end of the array")


class _Buffer:
    """The part of a text that is not read yet; more is appended when it is needed."""

    def __init__(self, name: str, text: str, pieces: Iterator[str]) -> None:
        self.name, self.text, self.position = name, text, 0
        self._pieces = pieces
        self._line, self._counted = 1, 0

    def sign(self) -> str:
        """Return the next character; "" at the end of the input."""
        return self.text[self.position : self.position + 1]

    def line(self) -> int:
        """Return the number of the current line."""
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def error(self, what: str) -> InputError:
        return InputError(f"{self.name}:{self.line()}: not JSON: {what}; {_EXPECTED}")

    def skip_blanks(self) -> Iterator[None]:
        """Move to the next character that is not white space; yield None before reading more."""
        while True:
            while self.sign() and self.sign() in _BLANKS:
                self.position += 1
            if self.sign() or not (yield from self._read_more()):
                return

    def value(self) -> Generator[None, None, Any]:
        """Move to the end of the next JSON value and return it; yield None before reading more."""
        tried, at_end = 0, False
        while True:
            size = len(self.text) - self.position
            # Each attempt has twice as much text as the last one: the time stays linear.
            if at_end or size >= 2 * tried:
                tried = size
                try:
                    value, self.position = _decode(self.text, self.position)
                    return value
                except json.JSONDecodeError as error:
                    fault = f"{error.msg}, or the file is cut short"
                except (ValueError, RecursionError) as error:
                    raise self.error(describe_fault(error)) from None
            if at_end:
                raise self.error(fault)
            if size > _MAX_RECORD:
                raise _too_long(self.name, self.line())
            at_end = not (yield from self._read_more())

    def _read_more(self) -> Generator[None, None, bool]:
        """Append a piece of input, after yielding None; return whether there was one."""
        yield None
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self.line()
        self.text = self.text[self.position :] + piece
        self.position = self._counted = 0
        return True


_decode = json.JSONDecoder().raw_decode


def _too_long(name: str, line: int) -> InputError:
    return InputError(
        f"{name}:{line}: a record of more than {_MAX_RECORD:,} characters; {_EXPECTED}"
    )


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
