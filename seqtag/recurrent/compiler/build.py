"""Compiles and loads C++ sources, at first use; libraries are kept in the user's cache.

Only sources that `printer` generates from a cell, and those of this package, are compiled. A
library is written atomically, so that processes can compile at the same time. `library_cache`
decides which cached libraries are safe to load.
"""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from seqtag.cache import cache_root
from seqtag.errors import InputError
from seqtag.files import atomic_file
from seqtag.recurrent.compiler.library_cache import (
    Untrusted,
    make_folder,
    private_folder,
    require_intact,
    require_private,
    require_symbols,
    write_digest,
)

logger = logging.getLogger("seqtag")

P = ParamSpec("P")
R = TypeVar("R")

FLAGS = ("-std=c++17", "-O2", "-shared", "-fPIC", "-pthread")
# Keys are torch's names of CPU capabilities, which ATEN_CPU_CAPABILITY can lower. Without a match
# plain code is compiled, which also runs on processors that are not x86.
INSTRUCTIONS = {
    "AVX512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma"),
    "AVX2": ("-mavx2", "-mfma"),
}
LIMIT_S = 120


class BuildError(Exception):
    """A kernel that could not be compiled or loaded; the message is one line with the reason."""


@cache
def compiler() -> str | None:
    """Return the path of the C++ compiler ($CXX, else g++, clang++ or c++), or None."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    return next((path for path in map(shutil.which, names) if path), None)


@cache
def _version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=LIMIT_S)
    return done.stdout


def build(source: str, name: str, symbols: Sequence[str] = ()) -> ctypes.CDLL:
    """Return the library compiled from a source, from the cache if possible.

    Args:
        source: C++ code.
        name: prefix of the library's file name.
        symbols: functions that the library must contain.

    Raises:
        BuildError: if there is no compiler, or it fails.
    """
    path = compiler()
    if path is None:
        raise BuildError("no C++ compiler found (looked for $CXX, g++, clang++, c++)")
    flags = (*FLAGS, *INSTRUCTIONS.get(torch.backends.cpu.get_cpu_capability(), ()))
    try:
        key = "\0".join((source, path, _version(path), *flags))
        file = f"{name}_{hashlib.sha256(key.encode()).hexdigest()[:20]}.so"
        folder = _usable_folder()
        if folder is not None and _is_cached(folder / file, symbols):
            return ctypes.CDLL(str(folder / file))
        library = _build_folder(folder) / file
        _compile(path, flags, source, library, symbols)
        return ctypes.CDLL(str(library))
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"{path} did not compile the kernel {name}: {error}") from error


def kernel_folder() -> Path:
    """Return the folder of compiled kernels: ``kernels`` in the cache folder.

    Raises:
        InputError: if there is no cache folder.
    """
    return cache_root() / "kernels"


def writable_kernel_folder() -> Path:
    """Return the folder of compiled kernels, or if it cannot be used, one of this process."""
    return _build_folder(_usable_folder())


def _usable_folder() -> Path | None:
    """Return the folder of compiled kernels, created if missing; None if it cannot be used."""
    try:
        folder = kernel_folder()
        make_folder(folder)
        require_private(folder.parent)
        require_private(folder)
        return folder
    except (OSError, InputError, Untrusted) as error:
        logger.warning("compiled kernels are not cached: %s", error)
        return None


def _is_cached(library: Path, symbols: Sequence[str]) -> bool:
    """Return whether a library is in the cache and can be trusted."""
    if not os.path.lexists(library):
        return False
    try:
        require_intact(library, symbols)
        return True
    except (OSError, Untrusted) as error:
        logger.warning("%s is compiled again: %s", library, error)
        return False


def _build_folder(folder: Path | None) -> Path:
    """Return the folder to compile into: that of compiled kernels, else one of this process."""
    if folder is None:
        return private_folder()
    if os.access(folder, os.W_OK):
        return folder
    logger.warning("compiled kernels are not cached: %s cannot be written", folder)
    return private_folder()


def _compile(
    path: str, flags: tuple[str, ...], source: str, library: Path, symbols: Sequence[str]
) -> None:
    start = time.perf_counter()
    logger.info("compiling kernel %s", library)
    with atomic_file(library) as built, tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "kernel.cpp"
        text.write_text(source, encoding="utf-8")
        command = [path, *flags, "-o", str(built), str(text)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise BuildError(f"{path} failed on the kernel {library.stem}: {lines[0]}")
        try:
            require_symbols(built.read_bytes(), symbols)
        except Untrusted as error:
            raise BuildError(f"{path} did not compile the kernel {library.stem}: {error}") from None
        write_digest(built, library)
    logger.info("compiled kernel %s in %.1f s", library, time.perf_counter() - start)


_lock = threading.Lock()


def _after_fork() -> None:
    # The thread that holds the lock does not exist in the child.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def serialized(function: Callable[P, R]) -> Callable[P, R]:
    """Return a wrapper of a function; only one thread at a time can run any of these wrappers.

    Otherwise threads that need the same kernel would each start a compiler, and on few cores all
    of them could exceed the time limit. This way the second thread finds the first one's library.
    """

    @wraps(function)
    def one_thread_at_a_time(*args: P.args, **kwargs: P.kwargs) -> R:
        with _lock:
            return function(*args, **kwargs)

    return one_thread_at_a_time
