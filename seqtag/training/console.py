"""Log handlers for the terminal and the log file, and a filter for known library warnings."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

# Each of these is correct and expected, and no user can act on it. All other warnings are shown.
_KNOWN_WARNINGS = (
    # Lightning uses a type that torch has deprecated.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    # Hydra has just created the folder, or a run is resumed in it.
    r"Checkpoint directory .* exists and is not empty",
    # Metrics are logged once an epoch, not every N batches.
    r"The number of training batches \(\d+\) is smaller than the logging interval",
    # The user switched off a callback that wrote state to the checkpoint.
    r"Be aware that when using `ckpt_path`, callbacks used to create the checkpoint",
    # The data module restores the position in the epoch.
    r"You're resuming from a checkpoint that ended before the epoch ended",
    # Encoding a batch takes less time than sending it between processes.
    r"The '\w+_dataloader' does not have many workers",
    # The scores are already summed over all processes.
    r"It is recommended to use `self.log\('dev/\w+', ..., sync_dist=True\)`",
    # seqtag itself logs that a corpus has no development split.
    r"You defined a `validation_step` but have no `val_dataloader`",
    r"Total length of `list` across ranks is zero",
    # Training ended before the first evaluation: the last weights are saved.
    r"`ModelCheckpoint.*: \['train/loss', 'epoch', 'step'\]",
    # A run started by hand on a machine of a SLURM cluster.
    r"The `srun` command is available on your system but is not used",
)
_LIBRARY_LOGGERS = ("lightning", "lightning.pytorch", "lightning.fabric")
# Banners: available accelerators, tips, the end of training.
_BANNER_LOGGERS = ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero")


class StandardError(logging.StreamHandler):
    """Log handler that writes to the current `sys.stderr`.

    A plain handler writes to the `sys.stderr` of its creation. Its lines would break a progress
    bar, which replaces `sys.stderr` while it is shown.
    """

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """The current `sys.stderr`."""
        return sys.stderr


class LogFile(logging.FileHandler):
    """Log file of a run, in UTF-8; if it cannot be written, one line on standard error says so."""

    def __init__(self, filename: str, mode: str = "a", delay: bool = True) -> None:
        self._earlier_bytes: int | None = None  # unknown until the file is opened
        super().__init__(filename, mode, encoding="utf-8", delay=delay, errors="backslashreplace")
        self._reported = False

    def _open(self) -> TextIO:
        if self._earlier_bytes is None:
            path = Path(self.baseFilename)
            self._earlier_bytes = path.stat().st_size if path.is_file() else 0
        return super()._open()

    def move_earlier_lines(self, target: Path) -> None:
        """Move the lines that were in the file before this process opened it to another file.

        Raises:
            OSError: if a file cannot be read or written.
        """
        with self.lock or nullcontext():
            if not self._earlier_bytes:
                return
            self.flush()
            content = Path(self.baseFilename).read_bytes()
            target.write_bytes(content[: self._earlier_bytes])
            self.close()  # the next line opens the file again
            Path(self.baseFilename).write_bytes(content[self._earlier_bytes :])
            self._earlier_bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; the first one opens the file."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Report once that the file cannot be written; pass other errors to the base class."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._reported:
            self._reported = True
            print(f"{self.baseFilename}: cannot be written: {error.strerror}", file=sys.stderr)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the known warnings and banners of Lightning inside this context."""
    loggers = {name: logging.getLogger(name) for name in _LIBRARY_LOGGERS}
    # Without own handlers, their lines are printed once, by the root logger.
    saved = {name: (logger.handlers, logger.propagate) for name, logger in loggers.items()}
    levels = {name: logging.getLogger(name).level for name in _BANNER_LOGGERS}
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message)
        for logger in loggers.values():
            logger.handlers, logger.propagate = [], True
        for name in _BANNER_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, logger in loggers.items():
                logger.handlers, logger.propagate = saved[name]
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
