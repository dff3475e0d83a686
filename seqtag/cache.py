"""The cache folder: corpora as Arrow files, word vectors, compiled kernels."""

import logging
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

from seqtag.errors import InputError

log = logging.getLogger("seqtag")

# Libraries with a cache in the home folder, by the environment variable that sets its place.
_LIBRARIES = {
    "MPLCONFIGDIR": "matplotlib",
    "HF_HOME": "huggingface",
    "TORCH_HOME": "torch",
    "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
    "TRITON_CACHE_DIR": "triton",
}


def redirect_library_caches() -> None:
    """If there is no home folder, set the caches of libraries to folders in this program's cache.

    Otherwise these libraries fail or write to a folder called "~". Call it before they are
    imported.
    """
    if os.path.expanduser("~") == "~":
        for variable, name in _LIBRARIES.items():
            os.environ.setdefault(variable, str(cache_root() / name))


def cache_root(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Return the cache folder, which may not exist yet.

    That is `cache_dir`, else ``SEQTAG_CACHE``, else ``seqtag`` in ``XDG_CACHE_HOME`` or in
    ``~/.cache``. If the home folder is missing or cannot be written (containers run programs as
    users that the system does not list), it is a folder in the system's temporary folder that only
    this user can read and write.

    Raises:
        InputError: if the chosen folder begins with ``~`` and there is no home folder, or if no
            folder can be written at all.
    """
    chosen = cache_dir or os.environ.get("SEQTAG_CACHE")
    if chosen:
        try:
            return Path(chosen).expanduser()
        except RuntimeError as error:
            raise InputError(f"{chosen}: {error} Give a full path") from None
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "seqtag"
    try:
        home = Path.home()
    except RuntimeError:
        return _temporary("there is no home folder")
    folder = home / ".cache" / "seqtag"
    return folder if _is_creatable(folder) else _temporary(f"{home} cannot be written")


def _is_creatable(folder: Path) -> bool:
    """Return whether a folder exists, or this process may create it."""
    if folder.is_dir():
        return True
    above = next(parent for parent in folder.parents if parent.exists())
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)


@cache
def _temporary(reason: str) -> Path:
    """Return a private folder in the system's temporary folder, and log its path.

    All runs of a user share its name. Since any user can create a folder of that name, a folder
    that another user owns or can write to is not used.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"seqtag-{_user()}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            if not _is_private(folder):
                folder = Path(tempfile.mkdtemp(prefix="seqtag-"))
    except OSError as error:
        raise InputError(
            f"{reason}, and no temporary folder can be created for the cache "
            f"({error.strerror or error}); set SEQTAG_CACHE to a writable folder"
        ) from error
    log.info("%s: using %s as cache; set SEQTAG_CACHE=FOLDER for another", reason, folder)
    return folder


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "cache"


def _is_private(folder: Path) -> bool:
    """Return whether this is a folder (not a link) of this user that no other user can access."""
    status = folder.lstat()
    owned = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    closed = os.name != "posix" or not stat.S_IMODE(status.st_mode) & 0o077
    return stat.S_ISDIR(status.st_mode) and owned and closed
