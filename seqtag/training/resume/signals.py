"""Being asked to stop: signals are noted, and heeded when a step is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seqtag.errors import RunStopped

# EX_TEMPFAIL of sysexits.h: not now, but the same command can go on.
EXIT_RESUMABLE = 75
# SIGUSR2 is how submitit has SLURM warn its jobs.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class StopSignals:
    """Notes the signals of `STOP_SIGNALS`, of which the process would die.

    Attributes:
        received: the first one that came, or None.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    def listen(self) -> None:
        """Put the handlers in place; outside the main thread, which alone may, do nothing."""
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        # No more than that: the signal may have come in the middle of anything.
        self.received = self.received or signal.Signals(number)


@contextmanager
def handlers_restored() -> Iterator[None]:
    """Leave the handlers of these signals afterwards as they were before."""
    kept = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in kept.items():
                signal.signal(number, handler)


def stop_error(received: signal.Signals, step: int, checkpoint: str) -> RunStopped:
    """Return what is to be raised when `checkpoint` is written."""
    return RunStopped(
        f"stopped by {received.name} after step {step}; with ckpt_path=last and this run's "
        f"hydra.run.dir the same command goes on from {checkpoint}",
        EXIT_RESUMABLE,
    )
