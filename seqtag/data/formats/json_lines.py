"""JSON of one line of a JSONL file, for training and tagging alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from seqtag.errors import InputError

_KINDS = {list: "array", str: "string", int: "number", float: "number"}


class _WithRepeatedKeys(dict[str, Any]):
    """A JSON object that has some keys more than once; each has its last value.

    Attributes:
        repeated: those keys.
    """

    repeated: frozenset[str] = frozenset()


def parse_object(text: str, where: str, used: Iterable[str], expected: str) -> dict[str, Any]:
    """Return the JSON object that a line holds.

    Args:
        text: the line.
        where: its file and number, for messages.
        used: the keys that are going to be read.
        expected: what a line should hold, for messages.

    Raises:
        InputError: if it is not JSON, holds what Python cannot (brackets within thousands of
            brackets, an integer of thousands of digits) or anything but an object, or has one of
            the keys that are used more than once.
    """
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {_fault(error)}; {expected}") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON {_KINDS.get(type(value), 'value')}; {expected}")
    if isinstance(value, _WithRepeatedKeys):
        for key in used:
            if key in value.repeated:
                raise InputError(f"{where}: the key {key!r} is there more than once")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _ in pairs]
    value = _WithRepeatedKeys(value)
    value.repeated = frozenset(key for key in value if keys.count(key) > 1)
    return value


_decode = json.JSONDecoder(object_pairs_hook=_object).decode


def _fault(error: ValueError | RecursionError) -> str:
    """Return what is wrong with a line, without the line number that the parser counts."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "its brackets are nested too deeply"
    return "a number has too many digits"
