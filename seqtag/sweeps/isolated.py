"""A job in a process of its own: what kills that kills neither the sweep nor the other jobs."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seqtag.errors import RunStopped

# Seconds that a job has to end once it is told to, before it is killed.
PATIENCE = 60
_THREADS = "OMP_NUM_THREADS"


def run_apart(command: Sequence[str], terminal: Path) -> tuple[int, str | None]:
    """Run a command; return its exit code, and what went wrong.

    If this process is interrupted or told to end, so is the command.

    Args:
        command: a program and its arguments.
        terminal: the file for what the command would have said on a terminal.
    """
    with terminal.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    return code, describe_end(code, terminal)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def describe_end(code: int, terminal: Path) -> str | None:
    """Return what went wrong in a process that has ended, from its exit code and last words."""
    if code == 0:
        return None
    if code < 0:
        return f"its process was killed ({signal.Signals(-code).name})"
    lines = terminal.read_bytes().decode("utf-8", "replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
    return last.removeprefix("seqtag: ").removeprefix("error: ").strip()


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM raise `RunStopped`, so that what was started here is ended as well."""

    def end(*_: object) -> None:
        raise RunStopped("stopped by SIGTERM; the same command goes on with study=NAME", 143)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def threads_shared(jobs: int) -> Iterator[None]:
    """Have so many processes that are started here share the cores, unless told otherwise."""
    given = _THREADS in os.environ
    if not given and jobs > 1:
        os.environ[_THREADS] = str(max(1, cores() // jobs))
    try:
        yield
    finally:
        if not given:
            os.environ.pop(_THREADS, None)
