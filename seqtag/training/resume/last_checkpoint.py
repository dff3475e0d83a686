"""Callback for ``last.ckpt``: written at intervals, after each epoch, and on a stop signal."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint

from seqtag.errors import InputError
from seqtag.training.resume.lightning_internals import is_accumulating, validates_next
from seqtag.training.resume.signals import STOP_SIGNALS, StopSignals, stop_error
from seqtag.training.resume.slurm import requeue
from seqtag.training.run_folder import LAST


class LastCheckpoint(Checkpoint):
    """Writes ``last.ckpt``, from which a run resumes exactly as if it had not been interrupted.

    It is written after each epoch, and after a step if the interval (minutes or steps) has passed
    or a stop signal was received. Never writes during gradient accumulation or right before an
    evaluation.

    Args:
        dirpath: folder of the file.
        every_minutes: minutes between two checkpoints within an epoch; None for no such interval.
        every_steps: optimizer steps between two checkpoints; None for no such interval.

    Attributes:
        dirpath: folder of the file.

    Raises:
        InputError: if an interval is not above 0.

    Example::

        trainer = lightning.Trainer(callbacks=[LastCheckpoint("logs/run/checkpoints")])
    """

    def __init__(
        self,
        dirpath: str,
        every_minutes: float | None = 10.0,
        every_steps: int | None = None,
    ) -> None:
        for name, value in (("every_minutes", every_minutes), ("every_steps", every_steps)):
            if value is not None and (isinstance(value, bool) or not value > 0):
                raise InputError(f"callbacks.last.{name} must be above 0 or null, not {value!r}")
        self.dirpath = dirpath
        self._path = str(Path(dirpath) / LAST)
        self._seconds = None if every_minutes is None else 60 * every_minutes
        self._steps = every_steps
        self._signals = StopSignals()
        self._saved_at = time.monotonic()
        self._written = False

    @property
    def best_model_path(self) -> str:
        """The file, once it exists; it counts as the best one if no other callback chooses one."""
        return self._path if self._written else ""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Install the signal handlers."""
        self._signals.listen()

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Record whether the file exists."""
        self._written = Path(self._path).exists()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Install the signal handlers again: Lightning has replaced them since `setup`."""
        self._signals.listen()
        self._saved_at = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write the checkpoint if it is due; stop if any process received a stop signal."""
        if is_accumulating(trainer) or trainer.is_last_batch or validates_next(trainer):
            return
        is_due = self._signals.received is not None or self._is_due(trainer.global_step)
        if trainer.strategy.reduce_boolean_decision(is_due, all=False):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the checkpoint; stop if any process received a stop signal."""
        self._save(trainer)

    def _is_due(self, step: int) -> bool:
        if self._steps is not None and step % self._steps == 0:
            return True
        return self._seconds is not None and time.monotonic() - self._saved_at >= self._seconds

    def _save(self, trainer: L.Trainer) -> None:
        if trainer.fast_dev_run:
            return
        trainer.save_checkpoint(self._path, weights_only=False)
        self._saved_at, self._written = time.monotonic(), True
        for number in STOP_SIGNALS:
            received = self._signals.received is number
            if trainer.strategy.reduce_boolean_decision(received, all=False):
                # After SIGUSR2 submitit itself requeues the job.
                if number is not signal.SIGUSR2 and trainer.is_global_zero:
                    requeue()
                raise stop_error(number, trainer.global_step, self._path)
