"""What reaches the terminal: our own lines on standard error, and not the libraries' chatter."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

# Each is true, known, and nothing a user could act on; anything else still shows.
_KNOWN_WARNINGS = (
    # Lightning asks torch for a type that torch has begun to retire.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    # Hydra has just made the folder, or a run is being resumed in it.
    r"Checkpoint directory .* exists and is not empty",
    # Figures are logged by epoch, not by so many batches.
    r"The number of training batches \(\d+\) is smaller than the logging interval",
    # A callback that the checkpoint knows was left out of the configuration, on purpose.
    r"Be aware that when using `ckpt_path`, callbacks used to create the checkpoint",
    # It is not: its sampler is, which the data module sees to.
    r"You're resuming from a checkpoint that ended before the epoch ended",
    # Encoding a batch costs less than handing it from one process to another.
    r"The '\w+_dataloader' does not have many workers",
    # All processes have counted up the same figures by then.
    r"It is recommended to use `self.log\('dev/\w+', ..., sync_dist=True\)`",
    # A corpus without a development split is said so in our own words.
    r"You defined a `validation_step` but have no `val_dataloader`",
    r"Total length of `list` across ranks is zero",
    # Training has ended before the first evaluation: its last weights are kept.
    r"`ModelCheckpoint.*: \['train/loss', 'epoch', 'step'\]",
    # A machine of a cluster on which a run is started by hand.
    r"The `srun` command is available on your system but is not used",
)
_LIBRARY_LOGGERS = ("lightning", "lightning.pytorch", "lightning.fabric")
# Banners: accelerators found, tips, that the last epoch was the last.
_BANNER_LOGGERS = ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero")


class StandardError(logging.StreamHandler):
    """Writes to what `sys.stderr` is at the time.

    The stream of a plain handler is the one there was at the start: its lines would run into a
    progress bar, which puts a stream of its own in place while it shows.
    """

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """The stream of this moment."""
        return sys.stderr


class LogFile(logging.FileHandler):
    """The log of a run, in UTF-8; where it cannot be written, the terminal has the lines."""

    def __init__(self, filename: str, mode: str = "a", delay: bool = True) -> None:
        super().__init__(filename, mode, encoding="utf-8", delay=delay, errors="backslashreplace")
        self._said = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; the file is opened at the first one."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once that the file cannot be written; other errors are the library's to report."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._said:
            self._said = True
            print(f"{self.baseFilename}: cannot be written: {error.strerror}", file=sys.stderr)


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the warnings and banners that are named above."""
    own = {name: logging.getLogger(name) for name in _LIBRARY_LOGGERS}
    # Without handlers of their own their lines come once, through the root logger, as ours do.
    kept = {name: (logger.handlers, logger.propagate) for name, logger in own.items()}
    levels = {name: logging.getLogger(name).level for name in _BANNER_LOGGERS}
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message)
        for logger in own.values():
            logger.handlers, logger.propagate = [], True
        for name in _BANNER_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, logger in own.items():
                logger.handlers, logger.propagate = kept[name]
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
