"""Built libraries that are kept in a folder, and what is checked before one is loaded.

Loading a library runs its code. One is loaded only if no other user can have written it (owner,
write permissions of the file and of its folders) and its bytes are those that were built: a digest
is kept beside it, since a file that was cut short or damaged would end the process.
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
    """A folder or library that is not used; the message says why in a line."""


def make_folder(folder: Path) -> None:
    """Create a folder and those above it, each writable by this user alone whatever the umask."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def require_private(folder: Path) -> None:
    """Return if nobody but this user and root can write to a folder.

    Permissions of this user's own folder are restricted where need be.

    Raises:
        Untrusted: if another user owns the folder, or permissions cannot be restricted.
        OSError: if it cannot be looked at.
    """
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise Untrusted(f"{folder} is not a folder")
    _require_owner(folder, found)
    if _POSIX and found.st_mode & _WRITABLE_BY_OTHERS:
        if found.st_uid != os.getuid():
            raise Untrusted(f"other users can write to {folder}")
        try:
            folder.chmod(stat.S_IMODE(found.st_mode) & ~_WRITABLE_BY_OTHERS)
        except OSError as error:
            raise Untrusted(f"other users can write to {folder} ({error.strerror})") from None
        logger.warning("other users could write to %s: now they cannot", folder)


def require_intact(library: Path, symbols: Iterable[str]) -> None:
    """Return if a library is the one that was kept, and has all symbols.

    Raises:
        Untrusted: if it is not, or another user can have written it.
        OSError: if it cannot be read.
    """
    data = _trusted_bytes(library)
    try:
        digest = _trusted_bytes(_digest_file(library)).decode("ascii", "replace").strip()
    except FileNotFoundError:
        raise Untrusted("no digest was kept with it") from None
    if digest != hashlib.sha256(data).hexdigest():
        raise Untrusted("its bytes are not those that were built")
    require_symbols(data, symbols)


def require_symbols(data: bytes, symbols: Iterable[str]) -> None:
    """Return if the bytes of a library name all symbols; it need not be loaded for that.

    Raises:
        Untrusted: naming the first one that is missing.
    """
    for symbol in symbols:
        if symbol.encode() not in data:
            raise Untrusted(f"it has no {symbol}")


def write_digest(built: Path, library: Path) -> None:
    """Write the digest of a library that was built; the library is moved to its place after it."""
    built.chmod(0o755)
    with atomic_file(_digest_file(library)) as digest:
        digest.write_text(hashlib.sha256(built.read_bytes()).hexdigest() + "\n", encoding="ascii")
        digest.chmod(0o644)


@cache
def private_folder() -> Path:
    """Return a folder of this process alone, which is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="seqtag_kernels_"))
    process = os.getpid()

    def remove() -> None:
        if os.getpid() == process:  # not at the end of a forked child
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _digest_file(library: Path) -> Path:
    return library.with_name(f"{library.name}.sha256")


def _trusted_bytes(path: Path) -> bytes:
    """Return the bytes of a regular file that nobody but this user and root can have written."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Untrusted(f"{path.name} is not a regular file")
        _require_owner(path, found)
        if _POSIX and found.st_mode & _WRITABLE_BY_OTHERS:
            raise Untrusted(f"other users can write to {path.name}")
        return file.read()


def _require_owner(path: Path, found: os.stat_result) -> None:
    if _POSIX and found.st_uid not in (0, os.getuid()):
        raise Untrusted(f"{path} belongs to another user")
