"""Errors that the command line prints without a traceback."""

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any

# Of a name, so much is compared: the time grows with the square of it.
_LONGEST = 200

# A longer value is cut in messages.
_SHOWN = 80


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


class Diverged(RunStopped):
    """Training reached a loss, scores or weights that are not finite; all processes raise it."""


def os_error_text(error: OSError) -> str:
    """Return what the system refused: the file, where the error names it, and why."""
    why = error.strerror or str(error) or type(error).__name__
    names = [name for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([*map(str, names[:1]), why])


def shown(value: object) -> str:
    """Return a value as messages show it: on one line, and cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits
        return "a whole number of thousands of digits"
    except RecursionError:
        return f"a deeply nested {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def listed(names: Iterable[object], most: int = 20) -> str:
    """Return names for a message, separated by commas: the first of many, the beginning of long."""
    first = [str(name) for name in islice(names, most + 1)]
    cut = [name if len(name) <= 60 else name[:57] + "..." for name in first[:most]]
    return ", ".join(cut + ["..."] * (len(first) > most)) or "none"


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name nearest to `name`, or ``""``."""
    try:
        text = str(name)[:_LONGEST]
    except ValueError:  # Python does not print whole numbers of thousands of digits
        return ""
    match = difflib.get_close_matches(text, [str(k) for k in known], n=1, cutoff=0.6)
    return f" (did you mean {match[0]!r}?)" if match else ""


def unknown(what: str, name: object, known: Iterable[str]) -> InputError:
    """Return the error for a name that is not known, with the nearest one and a list.

    Args:
        what: what it names: "cell", "data.format".
        name: as it was given.
        known: the names that there are.
    """
    names = list(known)
    hint = did_you_mean(name, names)
    return InputError(f"unknown {what} {shown(name)}{hint}; known: {listed(names, 40)}")
