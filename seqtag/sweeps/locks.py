"""Locks on run folders: one live run per folder, and a lock that ends with its process.

They are POSIX record locks (`fcntl.lockf`), which belong to a process: neither forked workers nor
started programs inherit them, so a worker that survives a killed run does not keep its folder
locked. Such a lock is lost when its process closes *any* descriptor of the file, and does not
exclude another thread of the same process; therefore `_held` lists the locks of this process.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from seqtag.errors import InputError

try:
    import fcntl
except ImportError:  # a system without record locks
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
# A process that was killed may take a moment to end, and `live_run` holds a lock for an instant.
_PATIENCE_SECONDS = 1.0
_POLL_SECONDS = 0.05
_IN_USE = (errno.EACCES, errno.EAGAIN)
# Errors of file systems without locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)

log = logging.getLogger("seqtag")

_held: set[Path] = set()
_guard = threading.Lock()


class FolderInUse(InputError):
    """Another live run uses the folder."""


class FolderLock:
    """The lock of a live run on its folder, from `acquire` to `release` or the end of the process.

    Args:
        folder: the run's folder; created if need be.
        shared: allow other shared locks at the same time, for processes that share a search.
    """

    def __init__(self, folder: Path, shared: bool = False) -> None:
        self.folder = folder
        self._place = folder.resolve()
        self._shared = shared
        self._descriptor: int | None = None
        self._process = os.getpid()

    def acquire(self) -> FolderLock:
        """Acquire the lock; if the file system has no locks, log a warning and continue without.

        Raises:
            FolderInUse: if another live run has it. The folder is not changed.
            InputError: if the folder cannot be written.
        """
        with _guard:
            if self._place in _held:
                raise FolderInUse(_message(self.folder, self._place))
            self._descriptor = self._locked_file()
            if self._descriptor is not None:
                _held.add(self._place)
        return self

    def release(self) -> None:
        """Release the lock and remove its file; without effect if it is not held."""
        # A forked child has copies of the descriptor and of this object, but not the lock.
        if self._descriptor is None or self._process != os.getpid():
            return
        with _guard:
            with suppress(OSError):
                # Removed while it is locked: a waiting process then sees that the file has changed.
                if _lock(self._descriptor, shared=False):
                    (self._place / LOCK).unlink()
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self._place)

    def __enter__(self) -> FolderLock:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def _locked_file(self) -> int | None:
        """Return the descriptor of the locked file, or None if there are no locks."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                self._place.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._place / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                reason = error.strerror or error
                raise InputError(f"{self.folder}: cannot be written: {reason}") from error
            try:
                in_use = not _lock(descriptor, self._shared)
                if not in_use and _is_file_at(descriptor, self._place / LOCK):
                    if not self._shared:
                        _sign(descriptor)
                    return descriptor
            except OSError as error:
                os.close(descriptor)
                if error.errno not in _NO_LOCKS:
                    raise InputError(f"{self.folder}: cannot be locked: {error}") from error
                log.warning(
                    "%s: its file system has no locks (%s): start no second run in this folder",
                    *(self.folder, error.strerror),
                )
                return None
            if in_use and time.monotonic() > end:
                message = _message(self.folder, self._place)
                os.close(descriptor)
                raise FolderInUse(message)
            os.close(descriptor)
            time.sleep(_POLL_SECONDS)


def live_run(folder: Path) -> str | None:
    """Return a message that names the live run in a folder, or None if there is none."""
    place = folder.resolve()
    with _guard:
        if place in _held:
            return _message(folder, place)
        try:
            descriptor = os.open(place / LOCK, os.O_RDWR)
        except OSError:
            return None
        try:
            return None if _lock(descriptor, shared=False) else _message(folder, place)
        except OSError:  # a file system without locks
            return None
        finally:
            os.close(descriptor)


def _lock(descriptor: int, shared: bool) -> bool:
    """Lock an open file; return False if another process has it locked."""
    if fcntl is None:
        raise OSError(errno.ENOSYS, "no record locks on this system")
    try:
        fcntl.lockf(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _IN_USE:
            return False
        raise
    return True


def _is_file_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the file at `path`, not one that has been removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    """Write into a locked file which process has the lock, for messages of other processes."""
    signature = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(signature).encode(), 0)


def _message(folder: Path, place: Path) -> str:
    """Return the error message for a folder with a live run.

    Reading the file would lose a lock that this process holds on it: if `place` is in `_held`, the
    run is one of this process, and the file is not opened.
    """
    owner, remedy = "another run", ""
    if place in _held:
        owner = f"another run of this process ({os.getpid()})"
    else:
        with suppress(OSError, ValueError, TypeError, KeyError):
            signature = json.loads((place / LOCK).read_text(encoding="utf-8"))
            pid, host, since = (signature[name] for name in ("pid", "host", "since"))
            owner = f"another run (process {pid} on {host}, since {since})"
            if host != socket.gethostname():
                remedy = f"; if that machine is gone, remove {folder / LOCK}"
    return (
        f"{folder}: {owner} is using this folder; wait until it ends, stop it, or choose another "
        f"folder (study=NAME or hydra.run.dir=FOLDER){remedy}"
    )
