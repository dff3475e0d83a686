"""What the user got wrong, said so that they can mend it."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


class InputError(ValueError):
    """A mistake in what the program was given: a file, a line, a key, a name.

    The message names the thing at fault and says what to do. The command line prints it
    without a traceback and exits with code 2.
    """


class RunStopped(Exception):
    """A run that had to end early, through no mistake in what it was given.

    The message says what happened and how to go on. The command line prints it without a
    traceback.

    Attributes:
        exit_code: what the program ends with: 1 for a fault, 75 where a checkpoint is written and
            the same command can go on, 128 and the signal's number where there is none.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message, exit_code)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return self.args[0]


def shown(value: object) -> str:
    """Return the repr of a value for a message: short, and safe for huge or deeply nested ones."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return f"<{type(value).__name__}>"


def listed(names: Iterable[object], most: int = 20) -> str:
    """Return names for a message, separated by commas: the first of many, the beginning of long."""
    first = [str(name) for name in itertools.islice(names, most + 1)]
    cut = [name if len(name) <= 60 else name[:57] + "..." for name in first[:most]]
    return ", ".join(cut + ["..."] * (len(first) > most)) or "none"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name nearest to `name`, or ``""``."""
    match = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return f" (did you mean {match[0]!r}?)" if match else ""


def from_plain(cls: type[T], plain: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from plain values and refuse keys that it does not have.

    `where` names the place the values came from (a config group, a file) in the message.

    Raises:
        InputError: for an unknown key (the nearest real one is offered), a missing one, or a
            value that the dataclass itself refuses.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in plain:
        if key not in fields:
            raise InputError(f"{where}: unknown key {key!r}{did_you_mean(key, fields)}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in plain:
            raise InputError(f"{where}: key {name!r} is missing")
    try:
        return cls(**plain)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
