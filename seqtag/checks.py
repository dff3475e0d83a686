"""Check plain values against the type annotations of dataclass fields.

`from_plain` and `check_fields` check each field against its annotation, so that a class never
receives a value of a wrong type. Annotations consist of int, float (accepts whole numbers too),
bool, str, None, Literal, tuple and list of one element type, tuples of a fixed length, Mapping,
dataclasses, unions of these, and Annotated with the marks of `seqtag.annotations`.
"""

import dataclasses
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from seqtag.annotations import (
    LARGEST,
    LARGEST_EXACT,
    LARGEST_WHOLE,
    Above,
    AtLeast,
    AtMost,
    Below,
    Bound,
    Count,
    FileName,
    Hint,
    Matching,
    NonEmpty,
    NotNegative,
    Positive,
    Seed,
    Share,
    Text,
    alternatives,
    describe,
    hint_for,
    is_whole,
    without_marks,
)
from seqtag.errors import InputError, did_you_mean, shown

__all__ = [
    "Above",
    "AtLeast",
    "AtMost",
    "Below",
    "Bound",
    "Count",
    "FileName",
    "Hint",
    "Matching",
    "NonEmpty",
    "NotNegative",
    "Positive",
    "Seed",
    "Share",
    "Text",
    "check_fields",
    "checked",
    "checked_values",
    "describe",
    "from_plain",
    "full_key",
    "shown",
]

T = TypeVar("T")


def from_plain(cls: type[T], plain: Any, where: str) -> T:
    """Build the dataclass `cls` from plain values, each checked against its field's annotation.

    `where` is the source of the values, for messages: a configuration group as written on the
    command line, a file, or "" for the top level.

    Raises:
        InputError: for an unknown key (the closest one is suggested), a missing one, a value of
            another type or out of range, or one that the dataclass itself refuses.
    """
    values = checked_values(cls, plain, where)
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(_placed(str(error), where)) from None


def checked_values(cls: type, plain: Any, where: str, whole: bool = True) -> dict[str, Any]:
    """Return the values in `plain`, each checked against the annotation of its field of `cls`.

    Raises:
        InputError: as `from_plain` does, but for a missing field only if `whole`.
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
    """Check the fields of a frozen dataclass against their annotations; lists become tuples.

    Call it in ``__post_init__``, so that direct calls of the class are checked as in `from_plain`.
    `where` is the configuration group of the fields, for messages.
    """
    cls: type = type(instance)
    for name, kind in _kinds(cls).items():
        value = getattr(instance, name)
        checked_value = checked(value, kind, full_key(where, name))
        if checked_value is not value:
            object.__setattr__(instance, name, checked_value)


def full_key(where: str, name: str) -> str:
    """Return the full name of a key in `where`: "model.words.size", or "FILE: size" in a file."""
    if not where:
        return name
    is_key = where.replace(".", "_").isidentifier() and not where.endswith(".json")
    return f"{where}.{name}" if is_key else f"{where}: {name}"


def checked(value: Any, kind: Any, key: str) -> Any:
    """Return `value` if the annotation `kind` allows it; a list becomes a tuple if `kind` is one.

    Raises:
        InputError: if not; the message names `key`, the expected kind of value and the value.
    """
    options = alternatives(kind)
    if len(options) > 1:
        # If exactly one alternative has the type of the value, its own message is most precise.
        fitting = [option for option in options if _has_type(value, without_marks(option)[0])]
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
    bare, marks = without_marks(kind)
    if not _has_type(value, bare) or not _within(value, bare, marks):
        raise _wrong(value, whole, key)
    return _checked_inside(value, bare, key)


@cache
def _kinds(cls: type) -> dict[str, Any]:
    """Return the annotations of the fields that are parameters of a dataclass, by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def _has_type(value: Any, kind: Any) -> bool:
    """Return whether a value has the outer type of a bare annotation; elements are not checked."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return any(type(value) is type(known) for known in get_args(kind))
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    if kind is int:
        return is_whole(value)
    if kind is float:
        return is_whole(value) or isinstance(value, float)
    if origin in (tuple, list):
        return isinstance(value, tuple | list)
    if origin is Mapping or origin is dict:
        return isinstance(value, Mapping)
    if dataclasses.is_dataclass(kind):
        return isinstance(value, Mapping | kind)
    return isinstance(value, kind)


def _within(value: Any, kind: Any, marks: tuple[Any, ...]) -> bool:
    """Return whether a value of the right type is one of the choices or satisfies all marks."""
    if get_origin(kind) is Literal:
        return any(value == known and type(value) is type(known) for known in get_args(kind))
    if kind is int and not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        return False
    if kind is float and not (-LARGEST <= value <= LARGEST):
        return False
    if kind is float and isinstance(value, int) and abs(value) > LARGEST_EXACT:
        return False
    return all(_meets(value, mark) for mark in marks)


def _meets(value: Any, mark: Any) -> bool:
    match mark:
        case AtLeast(limit):
            return bool(value >= limit)
        case AtMost(limit):
            return bool(value <= limit)
        case Above(limit):
            return bool(value > limit)
        case Below(limit):
            return bool(value < limit)
        case Matching(pattern):
            return re.fullmatch(pattern, value) is not None
        case NonEmpty(most):
            return 1 <= len(value) <= most
    return True


def _checked_inside(value: Any, kind: Any, key: str) -> Any:
    """Check the elements of a value of the right type; return the value."""
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
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return from_plain(kind, value, key)
    return value


def _placed(text: str, where: str) -> str:
    """Return a message that begins with the place `where`."""
    return text if not where or text.startswith(f"{where}.") else f"{where}: {text}"


def _wrong(value: Any, kind: Any, key: str) -> InputError:
    hint = hint_for(value, kind, key)
    return InputError(f"{key} must be {describe(kind)}, not {shown(value)}{hint}")
