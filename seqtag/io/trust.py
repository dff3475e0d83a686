"""Reading files that a stranger may have made: every fault becomes an `InputError`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from seqtag.errors import InputError

AGAIN = "the folder is not as seqtag wrote it: copy or train it again"

T = TypeVar("T")


def trust(path: Path, read: Callable[[], T]) -> T:
    """Return what `read` returns: whatever goes wrong in it is the fault of the file at `path`.

    Raises:
        InputError: in the place of every error, with the file's name.
    """
    try:
        return read()
    except InputError as error:
        where = "" if str(path) in str(error) else f"{path}: "
        raise InputError(f"{where}{error}") from None
    except BaseException as error:
        # What a Rust library raises when it gives up is no Exception, and has no public name.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise InputError(f"{path}: {_first_line(error)}; {AGAIN}") from None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def regular_file(path: Path) -> Path:
    """Return `path` if it is a file: not missing, no folder, no device that never ends."""
    if not path.is_file():
        what = "is no regular file" if path.exists() else "is missing"
        raise InputError(f"{path}: {what}; copy or train the model folder again")
    return path


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InputError: if there is no such file, or no JSON object in it.
    """
    text = trust(path, lambda: regular_file(path).read_text(encoding="utf-8"))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON, perhaps cut short ({error}); {AGAIN}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object is expected; {AGAIN}")
    return value
