"""Checks of plain values against annotations: what a setting may be is declared, not programmed.

    @dataclass(frozen=True)
    class Options:
        size: Annotated[int, AtLeast(1), AtMost(1024)] = 8
        share: Share = 0.0
        path: FileName | None = None

`from_plain` and `check_fields` check every field by its annotation before a class sees a value of
a wrong type. Annotations are made of int, float (whole numbers are numbers, too), bool, str, None,
Literal, tuple and list of one kind of element, tuples of a fixed length, Mapping, dataclasses,
unions of these, and Annotated with the bounds below.
"""

import dataclasses
import math
import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from seqtag.errors import InputError, did_you_mean, shown

T = TypeVar("T")

# No whole number is above what 64 bits hold, no number above what float32 holds.
_LARGEST_WHOLE, _LARGEST = 2**63 - 1, 3.4e38
# Above it, a whole number is not the number that a float would be.
_LARGEST_EXACT = 2**53


@dataclasses.dataclass(frozen=True)
class Bound:
    """A bound of a number."""

    limit: float


class AtLeast(Bound):
    """A number that is `limit` or more."""


class AtMost(Bound):
    """A number that is `limit` or less."""


class Above(Bound):
    """A number that is more than `limit`."""


class Below(Bound):
    """A number that is less than `limit`."""


@dataclasses.dataclass(frozen=True)
class Matching:
    """A text that matches `pattern` as a whole; `what` says in words which texts do."""

    pattern: str
    what: str


@dataclasses.dataclass(frozen=True)
class NonEmpty:
    """A list of at least one element and at most `most`."""

    most: int = 10_000


@dataclasses.dataclass(frozen=True)
class Hint:
    """What to write in place of a wrong value."""

    text: str


Share = Annotated[float, AtLeast(0), Below(1)]
Positive = Annotated[float, Above(0)]
NotNegative = Annotated[float, AtLeast(0)]
Count = Annotated[int, AtLeast(1)]
Text = Annotated[str, Matching(r"(?s:.+)", "text that is not empty")]
FileName = Annotated[str, Matching(r"[^\0]+", "a path")]
Seed = Annotated[int, AtLeast(0), AtMost(2**32 - 1)]


def from_plain(cls: type[T], plain: Any, where: str) -> T:
    """Build the dataclass `cls` from plain values, each checked by its field's annotation.

    `where` names the place that the values came from: a configuration group, as it is written on
    the command line, a file, or "" for the top level.

    Raises:
        InputError: for an unknown key (the nearest real one is offered), a missing one, a value
            of another type or out of its range, or one that the dataclass itself refuses.
    """
    values = checked_values(cls, plain, where)
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(_placed(str(error), where)) from None


def checked_values(cls: type, plain: Any, where: str, whole: bool = True) -> dict[str, Any]:
    """Return the values of the fields of `cls` that `plain` has, each checked.

    With `whole`, a field without a default that is missing is an InputError as well.
    """
    if not isinstance(plain, Mapping):
        raise InputError(f"{where} must be a group of keys, not {shown(plain)}")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for key in plain:
        if key not in fields:
            unknown = f"unknown key {shown(key)}{did_you_mean(key, fields)}"
            raise InputError(_placed(unknown, where))
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if whole and required and name not in plain:
            raise InputError(_placed(f"key {name!r} is missing", where))
    kinds = _kinds(cls)
    return {
        name: checked(value, kinds[name], full_key(where, name)) for name, value in plain.items()
    }


def check_fields(instance: Any, where: str = "") -> None:
    """Check the fields of a frozen dataclass by their annotations; lists become tuples.

    For ``__post_init__``, so that a class called from Python refuses what `from_plain` refuses.
    `where` is the group whose keys the fields are, for messages.
    """
    for name, kind in _kinds(type(instance)).items():
        given = getattr(instance, name)
        value = checked(given, kind, full_key(where, name))
        if value is not given:
            object.__setattr__(instance, name, value)


def full_key(where: str, name: str) -> str:
    """Return the name of a key below `where`: "model.words.size", or "FILE: size" of a file."""
    if not where:
        return name
    is_key = where.replace(".", "_").isidentifier() and not where.endswith(".json")
    return f"{where}.{name}" if is_key else f"{where}: {name}"


def checked(value: Any, kind: Any, key: str) -> Any:
    """Return `value` if the annotation `kind` allows it; lists as tuples where it says so.

    Raises:
        InputError: naming `key`, what it must be, and what it is.
    """
    options = _options(kind)
    if len(options) > 1:
        # Where one alternative has the shape of the value, its own message says most.
        fitting = [option for option in options if _has_shape(value, _bare(option)[0])]
        for option in fitting if len(fitting) > 1 else ():
            try:
                return checked(value, option, key)
            except InputError:
                continue
        if len(fitting) != 1:
            raise _wrong(value, kind, key)
        kind, whole = fitting[0], kind
    else:
        kind = whole = options[0]
    bare, marks = _bare(kind)
    if not _has_shape(value, bare) or not _within(value, bare, marks):
        raise _wrong(value, whole, key)
    return _checked_inside(value, bare, key)


@cache
def _kinds(cls: type) -> dict[str, Any]:
    """Return the annotation of each field that is given to a dataclass."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def _options(kind: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, or the annotation alone."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return an annotation without its marks, and the marks."""
    if get_origin(kind) is Annotated:
        return kind.__origin__, kind.__metadata__
    return kind, ()


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _has_shape(value: Any, kind: Any) -> bool:
    """Return whether a value is of the type that a bare annotation names, whatever is in it."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return any(type(value) is type(known) for known in get_args(kind))
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    if kind is int:
        return _is_whole(value)
    if kind is float:
        return _is_whole(value) or isinstance(value, float)
    if origin in (tuple, list):
        return isinstance(value, tuple | list)
    if origin is Mapping or origin is dict:
        return isinstance(value, Mapping)
    if dataclasses.is_dataclass(kind):
        return isinstance(value, Mapping | kind)
    return isinstance(value, kind)


def _within(value: Any, kind: Any, marks: tuple[Any, ...]) -> bool:
    """Return whether a value of the right type is one of the choices, or within its bounds."""
    if get_origin(kind) is Literal:
        return any(value == known and type(value) is type(known) for known in get_args(kind))
    if kind is int and not -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE:
        return False
    if kind is float and not (-_LARGEST <= value <= _LARGEST):
        return False
    if kind is float and isinstance(value, int) and abs(value) > _LARGEST_EXACT:
        return False
    return all(_meets(value, mark) for mark in marks)


def _meets(value: Any, mark: Any) -> bool:
    match mark:
        case AtLeast(limit):
            return value >= limit
        case AtMost(limit):
            return value <= limit
        case Above(limit):
            return value > limit
        case Below(limit):
            return value < limit
        case Matching(pattern):
            return re.fullmatch(pattern, value) is not None
        case NonEmpty(most):
            return 1 <= len(value) <= most
    return True


def _checked_inside(value: Any, kind: Any, key: str) -> Any:
    """Return a value of the right type after its elements were checked."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin is tuple and inner[-1] is not Ellipsis:
        if len(value) != len(inner):
            raise InputError(f"{key} must be a list of {len(inner)}, not {shown(value)}")
        pairs = zip(value, inner, strict=True)
        return tuple(checked(one, of, f"{key}[{n}]") for n, (one, of) in enumerate(pairs))
    if origin in (tuple, list) and inner:
        elements = [checked(one, inner[0], f"{key}[{n}]") for n, one in enumerate(value)]
        return origin(elements)
    if origin in (Mapping, dict) and inner:
        for name, part in value.items():
            checked(name, inner[0], f"{key}, its key {shown(name)},")
            checked(part, inner[1], full_key(key, str(name)))
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return from_plain(kind, value, key)
    return value


def _placed(text: str, where: str) -> str:
    """Return a message with the place in front, unless it begins with that."""
    return text if not where or text.startswith(f"{where}.") else f"{where}: {text}"


def _wrong(value: Any, kind: Any, key: str) -> InputError:
    hint = _hint(value, kind, key)
    return InputError(f"{key} must be {describe(kind)}, not {shown(value)}{hint}")


def _hint(value: Any, kind: Any, key: str) -> str:
    """Return what was perhaps meant, or how to write it."""
    parts = [_bare(option) for option in _options(kind)]
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
        return f"; written as '\"{written}\"' it is text"
    elif isinstance(value, float) and int in bare and value.is_integer() and abs(value) < 1e15:
        return f"; without point or exponent it is one: {int(value)}"
    elif _is_whole(value) and int in bare and abs(value) > _LARGEST_WHOLE:
        return "; 64 bits hold no larger one than 2^63 - 1"
    elif isinstance(value, int | float) and float in bare and math.isfinite(_as_float(value)):
        if abs(value) > _LARGEST:
            return "; 32 bits hold no larger one than 3.4e38"
        return f"; write {value:.6e}" if abs(value) > _LARGEST_EXACT and _is_whole(value) else ""
    return ""


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def describe(kind: Any) -> str:
    """Return in words what an annotation allows: "a whole number of at least 1 or null"."""
    return " or ".join(_described(*_bare(option)) for option in _options(kind))


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
    """Return the bounds of a number in words."""
    limits = {type(mark): mark.limit for mark in marks if isinstance(mark, Bound)}
    if AtLeast in limits and AtMost in limits:
        return f" from {limits[AtLeast]:,} to {limits[AtMost]:,}"
    words = {AtLeast: "of at least", AtMost: "of at most", Above: "above", Below: "below"}
    said = [f"{words[mark]} {limits[mark]:,}" for mark in words if mark in limits]
    return f" {' and '.join(said)}" if said else ""
