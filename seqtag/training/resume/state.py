"""State that an exact resume needs in addition to Lightning's checkpoint."""

from __future__ import annotations

import logging
import math
import random
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import distributed

from seqtag.data.batches.module import CorpusModule
from seqtag.training.finite import divergence_error
from seqtag.training.metrics_file import MetricsFile
from seqtag.training.resume.lightning_internals import (
    is_accumulating,
    uncount_step,
    validates_next,
)
from seqtag.training.task import TaggingTask

log = logging.getLogger("seqtag")

# Key of this state in a checkpoint.
KEY = "seqtag"


class ResumeCallback(L.Callback):
    """Callback that adds three things to each checkpoint, and restores them on resume.

    - for each process, its random states and the sums of the current epoch's mean loss;
    - the number of rows of ``metrics.csv``: later rows will be written again;
    - the latest metrics, which other callbacks read, and whether training was about to stop.

    It also corrects the paths of the best checkpoints if the run folder was moved.

    A checkpoint at the end of an epoch is marked as one of a completed epoch; otherwise, with
    ``trainer.max_steps`` set, Lightning would complete the epoch a second time. If that limit ended
    the epoch before its last batch, a run with a larger limit resumes in the middle of the epoch.
    """

    def __init__(self) -> None:
        self._saved: dict[str, Any] | None = None

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the state; all processes call this together."""
        assert isinstance(pl_module, TaggingTask)
        if _is_epoch_end(checkpoint):
            for counts in _epochs(checkpoint).values():
                counts["completed"] = counts["processed"]
        sums = {name: value.cpu() for name, value in pl_module.mean_loss.metric_state.items()}
        completed = _is_epoch_end(checkpoint) and not _is_partial_epoch(checkpoint)
        own = {"random": random_states(pl_module.device), "loss": {} if completed else sums}
        checkpoint[KEY] = {
            "processes": _gather(own, trainer.world_size),
            "rows": _metric_rows(trainer),
            "dev_metric": pl_module.dev_metric,
            "figures": {name: value.cpu() for name, value in trainer.callback_metrics.items()},
            "stop": trainer.should_stop,
        }

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Restore the state that even a completed run needs; `on_train_start` restores the rest."""
        assert isinstance(pl_module, TaggingTask)
        _correct_paths(trainer, checkpoint)
        self._saved = checkpoint[KEY]
        if _is_partial_epoch(checkpoint) and self._continues_epoch(trainer, checkpoint):
            for counts in _epochs(checkpoint).values():
                counts["processed"] = counts["completed"] = counts["processed"] - 1
            # The last row is the loss of the partial epoch.
            self._saved["rows"] = max(0, self._saved["rows"] - 1)
        pl_module.dev_metric = self._saved["dev_metric"]
        for logger in trainer.loggers:
            if isinstance(logger, MetricsFile):
                logger.continue_after(self._saved["rows"])

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Restore the rest of the state, after all random draws of the setup."""
        if self._saved is None:
            return
        assert isinstance(pl_module, TaggingTask)
        saved, self._saved = self._saved, None
        processes = saved["processes"]
        if len(processes) == trainer.world_size:
            processes = [processes[trainer.global_rank]]
            restore_random_states(processes[0]["random"], pl_module.device)
        else:
            log.warning(
                "the checkpoint was written by %d processes, but this run has %d: random numbers "
                "start from the seed again",
                *(len(processes), trainer.world_size),
            )
            # One process takes over the sums of all.
            processes = processes if trainer.is_global_zero else []
        for own in processes:
            for name, value in own["loss"].items():
                total = getattr(pl_module.mean_loss, name) + value.to(pl_module.device)
                setattr(pl_module.mean_loss, name, total)
        trainer.callback_metrics.update(saved["figures"])
        loop = trainer.fit_loop.epoch_loop
        if not trainer.fit_loop.restarted_mid_epoch:
            loop.restarting = False
        elif loop.restarted_on_last and validates_next(trainer) and not is_accumulating(trainer):
            # The run was interrupted after an evaluation. Lightning does not repeat the evaluation,
            # but would count the step before it again.
            uncount_step(trainer)
        if _has_early_stopping(trainer):
            trainer.should_stop = saved["stop"]

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop if the epoch's loss is not finite, before other callbacks report it."""
        assert isinstance(pl_module, TaggingTask)
        pl_module.require_finite()
        loss = float(trainer.callback_metrics["train/loss"])
        if not math.isfinite(loss):  # the sum can overflow although each loss is finite
            step = trainer.global_step
            raise divergence_error(
                trainer, f"the mean loss of the epoch that ends at step {step} is {loss}"
            )

    @staticmethod
    def _continues_epoch(trainer: L.Trainer, checkpoint: dict[str, Any]) -> bool:
        """Return whether `trainer` will take further steps in the partial epoch of a checkpoint."""
        limits = (
            (trainer.max_steps, checkpoint["global_step"]),
            (trainer.max_epochs, _epochs(checkpoint)["current"]["processed"] - 1),
        )
        reached = any(limit not in (None, -1) and count >= limit for limit, count in limits)
        return not reached and not (_has_early_stopping(trainer) and checkpoint[KEY]["stop"])


def _epochs(checkpoint: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return Lightning's epoch counters."""
    return checkpoint["loops"]["fit_loop"]["epoch_progress"]


def _is_epoch_end(checkpoint: dict[str, Any]) -> bool:
    """Return whether a checkpoint was written at the end of an epoch."""
    current = _epochs(checkpoint)["current"]
    return current["processed"] == current["started"]


def _is_partial_epoch(checkpoint: dict[str, Any]) -> bool:
    """Return whether a checkpoint ended an epoch before its last batch."""
    return _is_epoch_end(checkpoint) and checkpoint[CorpusModule.__qualname__]["batch"] > 0


def _has_early_stopping(trainer: L.Trainer) -> bool:
    return any(isinstance(callback, EarlyStopping) for callback in trainer.callbacks)


def _correct_paths(trainer: L.Trainer, checkpoint: dict[str, Any]) -> None:
    """Correct the paths of the best checkpoints in a checkpoint, if the run folder was moved.

    Otherwise Lightning would forget their scores. Paths of files that were not moved are unchanged.
    """
    for callback in trainer.checkpoint_callbacks:
        state = checkpoint["callbacks"].get(callback.state_key)
        if not isinstance(callback, ModelCheckpoint) or state is None:
            continue

        def current(path: str, folder: str = str(callback.dirpath)) -> str:
            moved = Path(folder) / Path(path).name
            return str(moved) if moved.is_file() else path

        state["dirpath"] = callback.dirpath
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = current(state[key])
        state["best_k_models"] = {
            current(path): best for path, best in state["best_k_models"].items()
        }


def _gather(own: dict[str, Any], processes: int) -> list[dict[str, Any]]:
    """Return the values of all processes, in the order of their ranks."""
    if processes == 1:
        return [own]
    gathered: list[Any] = [None] * processes
    distributed.all_gather_object(gathered, own)
    return gathered


def _metric_rows(trainer: L.Trainer) -> int:
    """Flush ``metrics.csv`` and return its number of rows; 0 without that logger."""
    for logger in trainer.loggers:
        if isinstance(logger, MetricsFile):
            logger.save()
            return len(logger.rows)
    return 0


def random_states(device: torch.device) -> dict[str, Any]:
    """Return the random states of Python, numpy, torch, and torch on `device`."""
    version, numbers, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    states = {
        "python": [version, list(numbers), gauss],
        "numpy": [torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    if device.type != "cpu":
        states["device"] = torch.get_device_module(device).get_rng_state()
    return states


def restore_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Restore the states of :func:`random_states`, on the same type of device."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    keys, *rest = states["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if device.type != "cpu" and "device" in states:
        torch.get_device_module(device).set_rng_state(states["device"])
