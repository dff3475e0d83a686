"""From a kernel's source to loaded functions: compiled at first use, kept in the user's cache.

Only sources that `printer` makes out of a registered or given cell come here; nothing else is ever
compiled. A library is built aside and renamed into place, so that two processes may build at once.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import torch

logger = logging.getLogger("seqtag")

FLAGS = ("-std=c++17", "-O2", "-shared", "-fPIC", "-pthread")
# Named as torch names what the processor can do; ATEN_CPU_CAPABILITY lowers it. The plain build
# also serves processors of other makers.
INSTRUCTIONS = {
    "AVX512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma"),
    "AVX2": ("-mavx2", "-mfma"),
}
LIMIT_S = 120


class BuildError(Exception):
    """A kernel that could not be built or loaded; the message says why in a line."""


@cache
def compiler() -> str | None:
    """Return the path of the C++ compiler: $CXX, else g++ or clang++ or c++; None without one."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    return next((path for path in map(shutil.which, names) if path), None)


@cache
def _version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=LIMIT_S)
    return done.stdout


def build(source: str, name: str) -> ctypes.CDLL:
    """Return the library compiled from the source, from the cache where it is there.

    Raises:
        BuildError: without a compiler, or where it fails.
    """
    path = compiler()
    if path is None:
        raise BuildError("no C++ compiler found (looked for $CXX, g++, clang++, c++)")
    flags = (*FLAGS, *INSTRUCTIONS.get(torch.backends.cpu.get_cpu_capability(), ()))
    try:
        key = "\0".join((source, path, _version(path), *flags))
        file = f"{name}_{hashlib.sha256(key.encode()).hexdigest()[:20]}.so"
        found = cache_folder() / file
        if found.exists():
            try:
                return ctypes.CDLL(str(found))
            except OSError as error:
                logger.warning("built again, as it cannot be loaded: %s", error)
        library = _writable_folder() / file
        _compile(path, flags, source, library)
        return ctypes.CDLL(str(library))
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"{path} did not build the kernel {name}: {error}") from error


def _writable_folder() -> Path:
    """Return where to build: the cache, or a folder of this process's own where it is closed."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
        reason = f"{folder} cannot be written"
    except OSError as error:
        reason = str(error)
    logger.warning("kernels are not kept: %s", reason)
    return _own_folder()


def cache_folder() -> Path:
    """Return the folder of built kernels: $SEQTAG_CACHE, else the user's cache, /kernels."""
    home = os.environ.get("SEQTAG_CACHE")
    if home:
        return Path(home).expanduser() / "kernels"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "seqtag" / "kernels"


@cache
def _own_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="seqtag_kernels_"))


def _compile(path: str, flags: tuple[str, ...], source: str, library: Path) -> None:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=f".{library.stem}.") as aside:
        text = Path(aside) / "kernel.cpp"
        text.write_text(source, encoding="utf-8")
        built = Path(aside) / "kernel.so"
        command = [path, *flags, "-o", str(built), str(text)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise BuildError(f"{path} failed on the kernel {library.stem}: {lines[0]}")
        os.replace(built, library)
    logger.info("built %s in %.1f s", library, time.perf_counter() - start)
