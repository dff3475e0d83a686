"""Decode JSON objects: repeated keys, Python's limits, and descriptions of faults."""

import json
from collections.abc import Iterable
from typing import Any

from seqtag.errors import InputError

_KINDS = {list: "array", str: "string", int: "number", float: "number"}


class WithRepeatedKeys(dict[str, Any]):
    """A JSON object with repeated keys, each of which has its last value.

    Attributes:
        repeated: the keys that occur more than once.
    """

    repeated: frozenset[str] = frozenset()


def parse_object(text: str, where: str, used: Iterable[str], expected: str) -> dict[str, Any]:
    """Return the JSON object of a line.

    Args:
        text: the line.
        where: its file and number, for messages.
        used: the keys that will be read.
        expected: the expected content of a line, for messages.

    Raises:
        InputError: if the line is not JSON, is beyond Python's limits (thousands of nested
            brackets or digits), is not an object, or repeats a key in `used`.
    """
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {describe_fault(error)}; {expected}") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON {_KINDS.get(type(value), 'value')}; {expected}")
    return checked_object(value, where, used)


def checked_object(value: dict[str, Any], where: str, used: Iterable[str]) -> dict[str, Any]:
    """Return an object; raise an InputError if a key in `used` occurs more than once."""
    if isinstance(value, WithRepeatedKeys):
        for key in used:
            if key in value.repeated:
                raise InputError(f"{where}: the key {key!r} occurs more than once")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _ in pairs]
    value = WithRepeatedKeys(value)
    value.repeated = frozenset(key for key in value if keys.count(key) > 1)
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_decode = _DECODER.decode
raw_decode = _DECODER.raw_decode


def describe_fault(error: ValueError | RecursionError) -> str:
    """Return a description of a JSON error, without the parser's own line number."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "its brackets are nested too deeply"
    return "a number has too many digits"
