"""JSON of one line of a JSONL file."""

from __future__ import annotations

import json
import math
from typing import Any

from seqtag.errors import InputError


def parse_json(text: str, where: str) -> Any:
    """Return the value that a JSON text holds.

    Raises:
        InputError: naming `where`, if it is not JSON, or holds what Python cannot: brackets
            within thousands of brackets, an integer of thousands of digits.
    """
    try:
        return json.loads(text, parse_constant=_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON: {error}") from None


def parse_object(text: str, where: str) -> dict[str, Any]:
    """Return the JSON object that a text holds.

    Raises:
        InputError: naming `where`, if it holds anything else.
    """
    value = parse_json(text, where)
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON {type(value).__name__}; an object per line is expected")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number
