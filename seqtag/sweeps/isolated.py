"""Run a job in its own process, so that a crash ends neither the sweep nor the other jobs."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seqtag.errors import RunStopped

# Seconds that a job has to end after SIGTERM, before it is killed.
PATIENCE = 60
_THREADS = "OMP_NUM_THREADS"


def run_isolated(command: Sequence[str], terminal: Path) -> tuple[int, str | None]:
    """Run a command; return its exit code, and why it failed (None if it did not).

    If this process is interrupted or terminated, the command is terminated too.

    Args:
        command: a program and its arguments.
        terminal: the file that receives the command's output.
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
    """Return why a process failed, from its exit code and the last line of its output, or None."""
    if code == 0:
        return None
    if code < 0:
        return f"its process was killed ({signal.Signals(-code).name})"
    lines = terminal.read_bytes().decode("utf-8", "replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
    return last.removeprefix("seqtag: ").removeprefix("error: ").strip()


@contextmanager
def raising_on_sigterm() -> Iterator[None]:
    """Let SIGTERM raise `RunStopped`, so that processes started here are ended as well."""

    def end(*_: object) -> None:
        raise RunStopped("stopped by SIGTERM; the same command with study=NAME resumes it", 143)

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
def limited_threads(jobs: int) -> Iterator[None]:
    """Divide the cores among the jobs started here, unless OMP_NUM_THREADS is set by the user."""
    set_by_user = _THREADS in os.environ
    if not set_by_user and jobs > 1:
        os.environ[_THREADS] = str(max(1, cores() // jobs))
    try:
        yield
    finally:
        if not set_by_user:
            os.environ.pop(_THREADS, None)
