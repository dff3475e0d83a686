"""Read pickles of dicts, lists, tuples and text without Python's unpickler.

Even an unpickler that resolves no names hashes any key, builds numbers of any length and allocates
memos of any size, so that a file of a few bytes can run forever. This reader supports only a few
operations, each in constant time, and only text as keys.
"""

import pickletools
from typing import Any

_MARK = object()
_TEXT_ONLY = "but only plain text is allowed"
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TEXT = frozenset(
    (
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    )
)
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class NotPlain(Exception):
    """A pickle is damaged, or holds something other than dicts, lists, tuples and text."""


def load_plain(content: bytes) -> Any:
    """Return the value in a pickle of dicts (with text as keys), lists, tuples and text.

    Raises:
        NotPlain: if it holds anything else, or is damaged.
    """
    reader = _Reader()
    try:
        for operation, argument, _ in pickletools.genops(content):
            if operation.name == "STOP":
                return reader.result()
            reader.apply(operation.name, argument)
    except NotPlain:
        raise
    except Exception as error:  # pickletools raises nearly any exception for a damaged file
        raise NotPlain(f"it is damaged: {error!s:.100}") from None
    raise NotPlain("it is truncated")


class _Reader:
    """Executes the operations of a pickle on a stack and a memo."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:
        """Return the only value on the stack."""
        value = self._pop()
        if self._stack or value is _MARK:
            raise NotPlain("it is damaged: more than one value at its end")
        return value

    def apply(self, name: str, argument: Any) -> None:
        """Execute one operation."""
        if name in ("PROTO", "FRAME"):
            return
        if name in _TEXT:
            self._stack.append(argument)
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name == "MARK":
            self._stack.append(_MARK)
        elif name in ("LIST", "TUPLE"):
            items = self._since_mark()
            self._stack.append(items if name == "LIST" else tuple(items))
        elif name in _TUPLES:
            items = [self._pop() for _ in range(_TUPLES[name])]
            self._stack.append(tuple(reversed(items)))
        elif name == "DICT":
            new: dict[str, Any] = {}
            _set_items(new, self._since_mark())
            self._stack.append(new)
        elif name in ("APPEND", "APPENDS"):
            items = [self._pop()] if name == "APPEND" else self._since_mark()
            self._top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = [self._pop(), self._pop()][::-1] if name == "SETITEM" else self._since_mark()
            _set_items(self._top(dict), items)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            number = len(self._memo) if name == "MEMOIZE" else argument
            self._memo[number] = self._top(object)
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            if argument not in self._memo:
                raise NotPlain("it is damaged: a value is used before it is stored")
            self._stack.append(self._memo[argument])
        elif name == "GLOBAL":
            raise NotPlain(f"it refers to {argument.replace(' ', '.')}, {_TEXT_ONLY}")
        elif name == "STACK_GLOBAL":
            name, module = self._pop(), self._pop()
            raise NotPlain(f"it refers to {_shortened(module)}.{_shortened(name)}, {_TEXT_ONLY}")
        else:
            raise NotPlain(f"it holds more than dicts, lists, tuples and text ({name})")

    def _pop(self) -> Any:
        if not self._stack:
            raise NotPlain("it is damaged: a value is missing")
        return self._stack.pop()

    def _top(self, kind: type) -> Any:
        if not self._stack or self._stack[-1] is _MARK or not isinstance(self._stack[-1], kind):
            raise NotPlain(f"it is damaged: a {kind.__name__} is missing")
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        items = []
        while (item := self._pop()) is not _MARK:
            items.append(item)
        return items[::-1]


def _shortened(value: Any) -> str:
    return value[:60] if isinstance(value, str) else "?"


def _set_items(target: dict[str, Any], items: list[Any]) -> None:
    if len(items) % 2:
        raise NotPlain("it is damaged: a key has no value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):
            raise NotPlain(f"a key is a {type(key).__name__}, not text")
        target[key] = value
