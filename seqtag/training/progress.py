"""Report the progress of training: a progress bar, and a log line for each epoch."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import RichProgressBar

from seqtag.metrics.main import score_text

log = logging.getLogger("seqtag")

# Seconds between log lines within an epoch.
_INTERVAL_S = 30


class Progress(RichProgressBar):
    """Callback that logs a line for each epoch and, in a terminal, shows a bar for the current one.

    Args:
        bar: show the bar, if standard error is a terminal.
    """

    def __init__(self, bar: bool = True) -> None:
        super().__init__(console_kwargs={"stderr": True})
        if not (bar and sys.stderr.isatty()):
            self.disable()
        self._started, self._logged, self._best = 0.0, 0.0, float("-inf")

    def get_metrics(self, trainer: L.Trainer, pl_module: L.LightningModule) -> dict[str, Any]:
        """Return nothing: the metrics are in the log lines, and would not fit next to the bar."""
        return {}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the start of training; start the clock if it resumes in the middle of an epoch."""
        super().on_train_start(trainer, pl_module)
        if trainer.is_global_zero:
            batches = trainer.num_training_batches
            device = pl_module.device.type.upper()
            log.info("training on the %s: %s batches an epoch", device, f"{batches:,}")
        if trainer.fit_loop.restarted_mid_epoch:
            self.on_train_epoch_start(trainer, pl_module)

    def state_dict(self) -> dict[str, float]:
        """Return the best development score so far, negated if lower is better."""
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Restore the best development score."""
        self._best = state_dict["best"]

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the start time."""
        self._started = self._logged = time.perf_counter()
        super().on_train_epoch_start(trainer, pl_module)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Log the progress of a long epoch at intervals, if no bar shows it."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        now = time.perf_counter()
        if self.is_disabled and trainer.is_global_zero and now - self._logged > _INTERVAL_S:
            self._logged = now
            epoch = self._get_train_description(trainer.current_epoch)
            log.info("%s: %d of %s batches", epoch, batch_idx + 1, trainer.num_training_batches)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the metrics of the epoch."""
        super().on_train_epoch_end(trainer, pl_module)
        if trainer.is_global_zero:
            log.info(self._line(trainer))

    def _line(self, trainer: L.Trainer) -> str:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        parts = [f"loss {metrics['train/loss']:.4f}"] if "train/loss" in metrics else []
        for name, value in metrics.items():  # the main score last
            if name.startswith("dev/") and name != "dev/metric":
                parts.append(f"{name.replace('/', ' ')} {score_text(name[4:], value)}")
        sign = 1 if trainer.lightning_module.score.higher_is_better else -1
        if "dev/metric" in metrics and sign * metrics["dev/metric"] > self._best:
            self._best = sign * metrics["dev/metric"]
            parts[-1] += " (best)"
        parts.append(f"{time.perf_counter() - self._started:.1f} s")
        return f"{self._get_train_description(trainer.current_epoch)}: {', '.join(parts)}"

    def _get_train_description(self, current_epoch: int) -> str:
        # Counted from 1, as in metrics.json; Lightning's own bar counts from 0.
        total = "" if self.trainer.max_epochs in (None, -1) else f"/{self.trainer.max_epochs}"
        return f"epoch {current_epoch + 1}{total}"
