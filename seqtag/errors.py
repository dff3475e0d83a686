"""Errors that the command line prints without a traceback."""

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any

# Names are compared up to this length: the time grows with its square.
_MOST_COMPARED = 200

# Values longer than this are cut in messages.
_MOST_SHOWN = 80


class InputError(ValueError):
    """A mistake in the program's input: a file, a line, a key, a name.

    The message names the place of the mistake and a remedy. The command line prints it without a
    traceback and exits with code 2.
    """


class RunStopped(Exception):
    """A run that had to end early, although its input was correct.

    The message explains the reason and how to continue. The command line prints it without a
    traceback.

    Attributes:
        exit_code: exit code of the program: 1 for a fault; 75 if a checkpoint was written, from
            which the same command resumes; 128 + the signal's number if none was written.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message, exit_code)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return self.args[0]


class Diverged(RunStopped):
    """The loss, the scores or the weights are not finite; all ranks raise it."""


def os_error_text(error: OSError) -> str:
    """Return an error of the system as text: the file, if it names one, and the reason."""
    why = error.strerror or str(error) or type(error).__name__
    names = [name for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([*map(str, names[:1]), why])


def shown(value: object) -> str:
    """Return the `repr` of a value for an error message, cut after 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python does not print integers of more than 4,300 digits
        return "a whole number with thousands of digits"
    except RecursionError:
        return f"a deeply nested {type(value).__name__}"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def listed(names: Iterable[object], most: int = 20) -> str:
    """Return names joined by commas for an error message: at most `most`, long names cut."""
    first = [str(name) for name in islice(names, most + 1)]
    cut = [name if len(name) <= 60 else name[:57] + "..." for name in first[:most]]
    return ", ".join(cut + ["..."] * (len(first) > most)) or "none"


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` with the known name closest to `name`, or ``""``.

    Upper and lower case do not matter.
    """
    try:
        text = str(name)[:_MOST_COMPARED]
    except ValueError:  # Python does not print integers of more than 4,300 digits
        return ""
    names = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(text.lower(), names, n=3, cutoff=0.6)
    if not close:
        return ""
    # Of equally close names, one with the same first letter: 'gur' is 'gru' rather than 'mgu'.
    best = difflib.SequenceMatcher(None, close[0], text.lower()).ratio()
    equal = [k for k in close if difflib.SequenceMatcher(None, k, text.lower()).ratio() == best]
    nearest = next((k for k in equal if k[:1] == text[:1].lower()), close[0])
    return f" (did you mean {names[nearest]!r}?)"


def unknown(what: str, name: object, known: Iterable[str]) -> InputError:
    """Return an error for an unknown name that lists the known ones and suggests the closest.

    Args:
        what: the kind of thing that is named: "cell", "data.format".
        name: the unknown name.
        known: all valid names.
    """
    names = list(known)
    hint = did_you_mean(name, names)
    return InputError(f"unknown {what} {shown(name)}{hint}; known: {listed(names, 40)}")
