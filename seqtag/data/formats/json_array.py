"""Records of one JSON array, alone or under a key of an object, of any size.

    [{"tokens": [...]}, ...]    or    {"version": 1, "data": [{"tokens": [...]}, ...]}

The text is decoded record by record: memory depends on the largest record, and on what is before
the array, but not on the length of the array.
"""

import json
from collections.abc import Callable, Collection, Generator, Iterator
from typing import Any, NamedTuple, TypeVar

from seqtag.data.formats.json_object import describe_fault, raw_decode
from seqtag.errors import InputError, shown

# Longer records, and longer text before the array, are refused, so that memory stays bounded.
_LONGEST = 1 << 26
# A failed attempt to decode a value is repeated after the next piece of input or, if there is more
# text than this, after twice as much text: the time stays linear.
_SHORT = 1 << 18
_BLANKS = " \t\r\n"
# A value that is wrong this close to the end of the text may only be incomplete.
_NEAR_END = 16

T = TypeVar("T")


class ArrayRecord(NamedTuple):
    """A record of an array.

    Attributes:
        number: its number in the array, from 1.
        line: the line at which it begins.
        value: the record.
        escapes: whether its text has Unicode escapes.
    """

    number: int
    line: int
    value: dict[str, Any]
    escapes: bool


class _NotJson(Exception):
    """A fault of the text, after the number of its line; the caller adds the name of the input."""


class _MoreNeeded(Exception):
    """More text is needed, before which other work can be done."""


class JsonText:
    """A JSON text that is read and decoded in parts.

    Args:
        name: name of the input, for messages.
        pieces: the text, as it arrives.
        advice: added to messages.

    Attributes:
        text: the text that was read; after `start_array` only the part that is not decoded yet.
        pieces: the rest of the text.
    """

    def __init__(self, name: str, pieces: Iterator[str], advice: str = "") -> None:
        self.name, self.text, self.pieces = name, "", pieces
        self._advice = advice
        # The position in `text`, and a line number with the position at which it is that.
        self._at, self._line, self._counted = 0, 1, 0
        self._pauses = self._ended = False
        self._keys: Collection[str] = ()
        self._in_object = False

    def start_array(self, keys: Collection[str] | None) -> bool:
        """Move to the first record of an array; return whether there is one.

        `keys` are the keys of which a record has at least one; None: an array under a key of an
        object is not looked for. If there is no array, `text` is still the beginning of the input.
        """
        self._keys = keys or ()
        try:
            found = self._next() == "[" or (keys is not None and self._find_list())
        except _NotJson:
            found = False
        self._at += found
        return found

    def records(self) -> Iterator[ArrayRecord | None]:
        """Yield the records of the array, and None before more text is read.

        Raises:
            InputError: for text that is not JSON, a value that is not an object, and a second list
                of records in the same object.
        """
        try:
            yield from self._records()
        except _NotJson as fault:
            raise InputError(f"{self.name}:{fault}{self._advice}") from None

    def _records(self) -> Iterator[ArrayRecord | None]:
        number, sign = 0, (yield from self._pausing(self._next))
        while sign != "]":
            number += 1
            if self._at > len(self.text) // 2:
                self._drop()
            if number > 1:
                if sign != ",":
                    raise self._fault("a comma or ] is expected", self._at)
                self._at += 1
            sign = yield from self._pausing(self._next)
            line = self._current_line()
            value, escapes = yield from self._pausing(self._value_and_escapes)
            if sign != "{":
                raise _NotJson(
                    f"{line}: item {number} of the array is {shown(value)}, not an object"
                )
            yield ArrayRecord(number, line, value, escapes)
            sign = yield from self._pausing(self._next)
        self._at += 1
        if self._in_object:
            self._finish_object()
        if self._next():
            raise self._fault("text after its end", self._at)

    def _pausing(self, step: Callable[[], T]) -> Generator[None, None, T]:
        """Return the result of a step; yield None before more text is read for it."""
        while True:
            self._pauses = True
            try:
                return step()
            except _MoreNeeded:
                self._pauses = False
                yield None
                self._read_more()
            finally:
                self._pauses = False

    def _find_list(self) -> bool:
        """Move to the list of records in an object; return whether there is one.

        It is the first list whose first object has one of the keys. Without one it is the first
        list of objects, unless more text follows the object, as in JSON lines.
        """
        if self._next() != "{":
            return False
        self._at += 1
        fallback = None
        sign = self._next()
        while sign == '"':
            key, start, first = self._start_member()
            if key in self._keys:
                return False
            if first is not None and not first.keys().isdisjoint(self._keys):
                self._at, self._in_object = start, True
                return True
            if first is not None and fallback is None:
                fallback = start
            self._value()
            sign = self._next()
            if sign == ",":
                self._at += 1
                sign = self._next()
        self._at += 1
        if sign != "}" or fallback is None or self._next():
            return False
        self._at, self._in_object = fallback, True
        return True

    def _finish_object(self) -> None:
        """Move to the end of the object that has the list of records."""
        while (sign := self._next()) == ",":
            self._at += 1
            if self._next() != '"':
                raise self._fault("a key is expected", self._at)
            key, _, first = self._start_member()
            if first is not None and not first.keys().isdisjoint(self._keys):
                raise _NotJson(
                    f"{self._line_at(self._at)}: a second list of records, under "
                    f"{shown(key)}: write one list, or an object per line"
                )
            self._value()
        if sign != "}":
            raise self._fault("a comma or } is expected", self._at)
        self._at += 1

    def _start_member(self) -> tuple[str, int, dict[str, Any] | None]:
        """Move to the value of the next key of an object.

        Return the key, the position of the value, and the first object if it is a list of objects.
        """
        key = self._value()
        if self._next() != ":":
            raise self._fault("a colon is expected", self._at)
        self._at += 1
        is_list, start, first = self._next() == "[", self._at, None
        if is_list:
            self._at += 1
            if self._next() == "{":
                first = self._value()
        self._at = start
        return key, start, first

    def _next(self) -> str:
        """Move to the next character that is not white space and return it; "" at the end."""
        while True:
            while (sign := self.text[self._at : self._at + 1]) and sign in _BLANKS:
                self._at += 1
            if sign or not self._read_more():
                return sign

    def _value(self) -> Any:
        return self._value_and_escapes()[0]

    def _value_and_escapes(self) -> tuple[Any, bool]:
        """Move to the end of a value; return it, and whether its text has Unicode escapes."""
        while True:
            try:
                value, end = raw_decode(self.text, self._at)
            except json.JSONDecodeError as error:
                near_end = len(self.text) - error.pos <= _NEAR_END
                if (near_end or error.msg.startswith("Unterminated")) and self._read_more():
                    continue
                raise self._fault(error.msg, error.pos) from None
            except (ValueError, RecursionError) as error:
                raise self._fault(describe_fault(error), self._at) from None
            # More digits may follow a number.
            if end == len(self.text) and isinstance(value, int | float) and self._read_more():
                continue
            escapes = "\\u" in self.text[self._at : end]
            self._at = end
            return value, escapes

    def _read_more(self) -> bool:
        """Append more text; return whether there was any.

        Raises:
            _MoreNeeded: instead, if the current step can be repeated after a pause.
        """
        if self._ended:
            return False
        if self._pauses:
            raise _MoreNeeded
        if len(self.text) > _LONGEST:
            where = self._line_at(self._at)
            raise _NotJson(f"{where}: an object of more than {_LONGEST:,} characters")
        wanted = len(self.text) if len(self.text) > _SHORT else 1
        parts, size = [self.text], 0
        for piece in self.pieces:
            parts.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        self.text = "".join(parts)
        self._ended = size == 0
        return not self._ended

    def _drop(self) -> None:
        """Remove the text that was decoded."""
        self._current_line()
        self.text, self._at, self._counted = self.text[self._at :], 0, 0

    def _current_line(self) -> int:
        self._line, self._counted = self._line_at(self._at), self._at
        return self._line

    def _fault(self, what: str, position: int) -> _NotJson:
        if position >= len(self.text):
            what += ", but the file ends: is it cut short?"
        return _NotJson(f"{self._line_at(position)}: not JSON: {what}")

    def _line_at(self, position: int) -> int:
        return self._line + self.text.count("\n", self._counted, position)
