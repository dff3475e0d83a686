"""Stop signals: recorded when they arrive, handled after the current step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seqtag.errors import RunStopped

# EX_TEMPFAIL of sysexits.h: the run stopped early, and can be resumed.
EXIT_RESUMABLE = 75
# SIGUSR2 is the signal with which submitit has SLURM warn jobs.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class StopSignals:
    """Handler that records `STOP_SIGNALS`, which by default would kill the process.

    Attributes:
        received: the first signal received, or None.

    Example::

        signals = StopSignals()
        with handlers_restored():
            signals.listen()
            while signals.received is None:
                step()
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    def listen(self) -> None:
        """Install the handlers; does nothing outside the main thread, where Python forbids it."""
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                signal.signal(number, self._record)

    def _record(self, number: int, frame: FrameType | None) -> None:
        # Do nothing else: a signal can interrupt the program anywhere.
        self.received = self.received or signal.Signals(number)


@contextmanager
def handlers_restored() -> Iterator[None]:
    """Restore the handlers of the stop signals at the end of this context."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def stop_error(received: signal.Signals, step: int, checkpoint: str) -> RunStopped:
    """Return the error that ends a run after a stop signal, once its checkpoint is written."""
    return RunStopped(
        f"stopped by {received.name} after step {step}; to resume, run the same command with "
        f"ckpt_path=last and this run's hydra.run.dir; the checkpoint is {checkpoint}",
        EXIT_RESUMABLE,
    )
