"""Annotations of settings: the marks that restrict a value, and their description in words.

    @dataclass(frozen=True)
    class Options:
        size: Annotated[int, AtLeast(1), AtMost(1024)] = 8
        share: Share = 0.0
        path: FileName | None = None

`seqtag.checks` checks values against them.
"""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from seqtag.errors import did_you_mean, shown

# The largest values of int64 and (rounded) of float32.
LARGEST_WHOLE, LARGEST = 2**63 - 1, 3.4e38
# Above this, not every whole number is a float.
LARGEST_EXACT = 2**53


@dataclasses.dataclass(frozen=True)
class Bound:
    """Base class of the bounds of a number."""

    limit: float


class AtLeast(Bound):
    """The number must be `limit` or more."""


class AtMost(Bound):
    """The number must be `limit` or less."""


class Above(Bound):
    """The number must be greater than `limit`."""


class Below(Bound):
    """The number must be less than `limit`."""


@dataclasses.dataclass(frozen=True)
class Matching:
    """The whole text must match the regular expression `pattern`, which `what` describes."""

    pattern: str
    what: str


@dataclasses.dataclass(frozen=True)
class NonEmpty:
    """The list must have at least one and at most `most` elements."""

    most: int = 10_000


@dataclasses.dataclass(frozen=True)
class Hint:
    """A remedy that is added to the error message for a list or a mapping."""

    text: str


Share = Annotated[float, AtLeast(0), Below(1)]
Positive = Annotated[float, Above(0)]
NotNegative = Annotated[float, AtLeast(0)]
Count = Annotated[int, AtLeast(1)]
Text = Annotated[str, Matching(r"(?s:.+)", "text that is not empty")]
FileName = Annotated[str, Matching(r"[^\0]+", "a path")]
Seed = Annotated[int, AtLeast(0), AtMost(2**32 - 1)]


def alternatives(kind: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, or the annotation alone."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def without_marks(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return an annotation without `Annotated`, and its marks."""
    if get_origin(kind) is Annotated:
        return kind.__origin__, kind.__metadata__
    return kind, ()


def is_whole(value: Any) -> bool:
    """Return whether a value is an integer; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def describe(kind: Any) -> str:
    """Return a description of an annotation: "a whole number of at least 1 or null"."""
    return " or ".join(_described(*without_marks(option)) for option in alternatives(kind))


def _described(kind: Any, marks: tuple[Any, ...]) -> str:
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if kind is None or kind is type(None):
        return "null"
    if origin is Literal:
        known = ", ".join("true or false" if k is True else str(k) for k in inner if k is not False)
        return f"one of {known}" if len(inner) > 1 else known
    if kind is bool:
        return "true or false"
    if kind is int:
        return f"a whole number{_range(marks)}"
    if kind is float:
        limits = _range(marks)
        return f"a number{limits}" if limits else "a finite number"
    if kind is str:
        return next((mark.what for mark in marks if isinstance(mark, Matching)), "text")
    if origin in (tuple, list):
        return f"a list, each element {describe(inner[0])}" if inner else "a list"
    return "a group of keys"


def _range(marks: tuple[Any, ...]) -> str:
    """Return a description of the bounds of a number: " of at least 1 and below 5"."""
    limits = {type(mark): mark.limit for mark in marks if isinstance(mark, Bound)}
    if AtLeast in limits and AtMost in limits:
        return f" from {limits[AtLeast]:,} to {limits[AtMost]:,}"
    words = {AtLeast: "of at least", AtMost: "of at most", Above: "above", Below: "below"}
    bounds = [f"{words[mark]} {limits[mark]:,}" for mark in words if mark in limits]
    return f" {' and '.join(bounds)}" if bounds else ""


def hint_for(value: Any, kind: Any, key: str) -> str:
    """Return a suggestion for a wrong value: the closest choice or the right way to write it."""
    parts = [without_marks(option) for option in alternatives(kind)]
    for mark in [mark for _, marks in parts for mark in marks]:
        if isinstance(mark, Hint) and isinstance(value, list | tuple | Mapping):
            return f"; {mark.text}"
    bare = [of for of, _ in parts]
    if isinstance(value, str):
        choices = [c for of in bare if get_origin(of) is Literal for c in get_args(of)]
        if near := did_you_mean(value, [c for c in choices if isinstance(c, str)]):
            return near
        if (
            value.strip()
            and value.isprintable()
            and any((get_origin(of) or of) in (tuple, list) for of in bare)
        ):
            return f"; write {key}=[{value}]"
    elif isinstance(value, bool | int | float) and str in bare:
        written = str(value).lower() if isinstance(value, bool) else shown(value)
        return f"; for text, write '\"{written}\"'"
    elif isinstance(value, float) and int in bare and value.is_integer() and abs(value) < 1e15:
        return f"; write it without a decimal point or exponent: {int(value)}"
    elif is_whole(value) and int in bare and abs(value) > LARGEST_WHOLE:
        return "; the largest 64-bit number is 2^63 - 1"
    elif isinstance(value, int | float) and float in bare and math.isfinite(_as_float(value)):
        if abs(value) > LARGEST:
            return "; the largest 32-bit number is 3.4e38"
        return f"; write {value:.6e}" if abs(value) > LARGEST_EXACT and is_whole(value) else ""
    return ""


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
