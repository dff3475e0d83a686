"""Read untrusted files: every error becomes an `InputError` that names the file."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from seqtag.errors import InputError
from seqtag.inputs.tokenizer_file import strict_json

DAMAGED = "the folder is damaged: copy or train it again"

T = TypeVar("T")


def read_untrusted(path: Path, read: Callable[[], T]) -> T:
    """Call `read` and return its result; report all of its errors as errors of the file `path`.

    Raises:
        InputError: instead of any other error; the message names the file.
    """
    try:
        return read()
    except InputError as error:
        where = "" if str(path) in str(error) else f"{path}: "
        raise InputError(f"{where}{error}") from None
    except BaseException as error:
        # The PanicException of Rust libraries is not an Exception and cannot be imported.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise InputError(f"{path}: {_first_line(error)}; {DAMAGED}") from None


def _first_line(error: BaseException) -> str:
    text = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
    line = (text or type(error).__name__).splitlines()[0][:200]
    # Libraries quote the file in their messages, which may contain terminal escape sequences.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def regular_file(path: Path) -> Path:
    """Return `path` if it is a regular file, not a folder or an endless device.

    Raises:
        InputError: if it is missing or not a regular file.
    """
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "is missing"
        raise InputError(f"{path}: {what}; copy or train the model folder again")
    return path


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """Return the content of a regular file of at most `most_bytes`.

    Not more is read than the size that the system reports (nothing for a file in /proc).

    Raises:
        InputError: if the file is missing, not a regular file, or too large.
    """
    # Non-blocking, and checked again once open, since the file can be replaced between the check of
    # the path and its opening: a pipe or a device would block.
    descriptor = os.open(regular_file(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: is not a regular file; {DAMAGED}")
        if status.st_size > most_bytes:
            raise InputError(
                f"{path}: {status.st_size:,} bytes are more than such a file can need "
                f"({most_bytes:,}); {DAMAGED}"
            )
        parts, missing = [], status.st_size
        while missing and (part := file.read(missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def read_object(path: Path, most_bytes: int = 256 << 20) -> dict[str, Any]:
    """Return the JSON object in a file of at most `most_bytes`.

    Raises:
        InputError: as `read_bounded` does, or if the file does not contain a JSON object.
    """
    text = read_untrusted(path, lambda: read_bounded(path, most_bytes).decode("utf-8"))
    try:
        value = strict_json(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON, perhaps truncated ({error}); {DAMAGED}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object; {DAMAGED}")
    return value
