"""The cache of compiled libraries, and the checks before one is loaded.

Loading a library runs its code. A library is loaded only if no other user can have written it
(owner, write permissions of the file and of its folders) and it has the digest that was stored with
it: a truncated or damaged file would crash the process.
"""

import atexit
import hashlib
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from seqtag.files import atomic_file

logger = logging.getLogger("seqtag")

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_POSIX = os.name == "posix"


class Untrusted(Exception):
    """A folder or library that must not be used; the message is one line with the reason."""


def make_folder(folder: Path) -> None:
    """Create a folder and missing parents, writable only by this user, whatever the umask."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def require_private(folder: Path) -> None:
    """Check that only this user and root can write to a folder.

    If the folder belongs to this user, write permissions of others are removed.

    Raises:
        Untrusted: if another user owns the folder, or permissions cannot be removed.
        OSError: if its status cannot be read.
    """
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise Untrusted(f"{folder} is not a folder")
    _require_owner(folder, status)
    if _POSIX and status.st_mode & _WRITABLE_BY_OTHERS:
        if status.st_uid != os.getuid():
            raise Untrusted(f"other users can write to {folder}")
        try:
            folder.chmod(stat.S_IMODE(status.st_mode) & ~_WRITABLE_BY_OTHERS)
        except OSError as error:
            raise Untrusted(f"other users can write to {folder} ({error.strerror})") from None
        logger.warning("removed the write permission of other users from %s", folder)


def require_intact(library: Path, symbols: Iterable[str]) -> None:
    """Check that a library is unchanged since it was compiled, and contains all symbols.

    Raises:
        Untrusted: if not, or if another user can have written it.
        OSError: if it cannot be read.
    """
    data = _trusted_bytes(library)
    try:
        digest = _trusted_bytes(_digest_file(library)).decode("ascii", "replace").strip()
    except FileNotFoundError:
        raise Untrusted("it has no digest file") from None
    if digest != hashlib.sha256(data).hexdigest():
        raise Untrusted("its digest differs from the stored one")
    require_symbols(data, symbols)


def require_symbols(data: bytes, symbols: Iterable[str]) -> None:
    """Check that the bytes of a library contain all symbols, without loading it.

    Raises:
        Untrusted: if not, naming the first missing symbol.
    """
    for symbol in symbols:
        if symbol.encode() not in data:
            raise Untrusted(f"it has no {symbol}")


def write_digest(built: Path, library: Path) -> None:
    """Write the digest file of a new library, before the library is moved into place."""
    built.chmod(0o755)
    with atomic_file(_digest_file(library)) as digest:
        digest.write_text(hashlib.sha256(built.read_bytes()).hexdigest() + "\n", encoding="ascii")
        digest.chmod(0o644)


@cache
def private_folder() -> Path:
    """Return a temporary folder of this process, which is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="seqtag_kernels_"))
    process = os.getpid()

    def remove() -> None:
        if os.getpid() == process:  # not when a forked child ends
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _digest_file(library: Path) -> Path:
    return library.with_name(f"{library.name}.sha256")


def _trusted_bytes(path: Path) -> bytes:
    """Return the bytes of a regular file that only this user and root can have written."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Untrusted(f"{path.name} is not a regular file")
        _require_owner(path, status)
        if _POSIX and status.st_mode & _WRITABLE_BY_OTHERS:
            raise Untrusted(f"other users can write to {path.name}")
        return file.read()


def _require_owner(path: Path, status: os.stat_result) -> None:
    if _POSIX and status.st_uid not in (0, os.getuid()):
        raise Untrusted(f"{path} belongs to another user")
