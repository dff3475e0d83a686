"""Reading files that a stranger may have made: every fault becomes an `InputError`."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from seqtag.errors import InputError
from seqtag.inputs.tokenizer_file import strict_json

DAMAGED = "the folder is not as seqtag wrote it: copy or train it again"

T = TypeVar("T")


def read_untrusted(path: Path, read: Callable[[], T]) -> T:
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
        raise InputError(f"{path}: {_first_line(error)}; {DAMAGED}") from None


def _first_line(error: BaseException) -> str:
    line = (str(error) or type(error).__name__).splitlines()[0][:200]
    # Libraries quote what is in the file; a terminal would obey some of it.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def regular_file(path: Path) -> Path:
    """Return `path` if it is a file: not missing, not a folder, not a device that never ends."""
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "is missing"
        raise InputError(f"{path}: {what}; copy or train the model folder again")
    return path


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """Return the bytes of a file that is regular once it is open, and at most so large.

    No more is read than the size that the system states: of a file in /proc that is nothing.

    Raises:
        InputError: if there is no such file, it is not a regular one, or it is too large.
    """
    # A pipe or a device would block; between a check of the name and the opening it may change.
    descriptor = os.open(regular_file(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is not a regular file; {DAMAGED}")
        if found.st_size > most_bytes:
            raise InputError(
                f"{path}: {found.st_size:,} bytes are more than such a file can need "
                f"({most_bytes:,}); {DAMAGED}"
            )
        parts, missing = [], found.st_size
        while missing and (part := file.read(missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def read_object(path: Path, most_bytes: int = 256 << 20) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InputError: if there is no such file, or no JSON object in it.
    """
    text = read_untrusted(path, lambda: read_bounded(path, most_bytes).decode("utf-8"))
    try:
        value = strict_json(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON, perhaps cut short ({error}); {DAMAGED}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object is expected; {DAMAGED}")
    return value
