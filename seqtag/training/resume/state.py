"""What Lightning leaves out of a checkpoint, though a run that goes on from it needs it."""

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

# Of a checkpoint, beside Lightning's own.
KEY = "seqtag"


class ResumeCallback(L.Callback):
    """Adds to every checkpoint, and takes from it when training goes on, three things.

    - of each process the random states and the sums behind the running epoch's mean loss;
    - how many rows ``metrics.csv`` had: later ones are going to be written again;
    - the last figures, which callbacks go by, and whether training was to stop.

    Besides it knows the best checkpoints again where the run's folder has been moved.

    A checkpoint written at the end of an epoch is made one of a completed epoch, which Lightning
    would close a second time where ``trainer.max_steps`` is set. If it was that limit which ended
    the epoch before its last batch, a run with a larger one goes on in the middle of it.
    """

    def __init__(self) -> None:
        self._saved: dict[str, Any] | None = None

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what is missing; every process takes part."""
        assert isinstance(pl_module, TaggingTask)
        if _at_end(checkpoint):
            for counts in _epochs(checkpoint).values():
                counts["completed"] = counts["processed"]
        sums = {name: value.cpu() for name, value in pl_module.mean_loss.metric_state.items()}
        whole = _at_end(checkpoint) and not _is_cut(checkpoint)
        own = {"random": random_states(pl_module.device), "loss": {} if whole else sums}
        checkpoint[KEY] = {
            "processes": _from_all(own, trainer.world_size),
            "rows": _rows(trainer),
            "dev_metric": pl_module.dev_metric,
            "figures": {name: value.cpu() for name, value in trainer.callback_metrics.items()},
            "stop": trainer.should_stop,
        }

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take what a run that has ended needs, too; the rest waits for training to start."""
        assert isinstance(pl_module, TaggingTask)
        _follow_folder(trainer, checkpoint)
        self._saved = checkpoint[KEY]
        if _is_cut(checkpoint) and self._goes_on(trainer, checkpoint):
            for counts in _epochs(checkpoint).values():
                counts["processed"] = counts["completed"] = counts["processed"] - 1
            # The last row is the loss of what there was of the epoch.
            self._saved["rows"] = max(0, self._saved["rows"] - 1)
        pl_module.dev_metric = self._saved["dev_metric"]
        for logger in trainer.loggers:
            if isinstance(logger, MetricsFile):
                logger.keep(self._saved["rows"])

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the rest: whatever else draws at random has done so by now."""
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
                "the checkpoint is of another number of processes (%d, now %d): what is random "
                "begins anew",
                *(len(processes), trainer.world_size),
            )
            # The sums are of all processes together: one of them takes them over.
            processes = processes if trainer.is_global_zero else []
        for own in processes:
            for name, value in own["loss"].items():
                summed = getattr(pl_module.mean_loss, name) + value.to(pl_module.device)
                setattr(pl_module.mean_loss, name, summed)
        trainer.callback_metrics.update(saved["figures"])
        loop = trainer.fit_loop.epoch_loop
        if not trainer.fit_loop.restarted_mid_epoch:
            loop.restarting = False
        elif loop.restarted_on_last and validates_next(trainer) and not is_accumulating(trainer):
            # The run was cut after an evaluation. Lightning skips that, but would count the step
            # before it again.
            uncount_step(trainer)
        if _stops_early(trainer):
            trainer.should_stop = saved["stop"]

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop if the epoch came to a loss that is not finite, before other callbacks report it."""
        assert isinstance(pl_module, TaggingTask)
        pl_module.require_finite()
        loss = float(trainer.callback_metrics["train/loss"])
        if not math.isfinite(loss):  # a sum of huge ones, each of them finite
            step = trainer.global_step
            raise divergence_error(
                trainer, f"the mean loss of the epoch that ends at step {step} is {loss}"
            )

    @staticmethod
    def _goes_on(trainer: L.Trainer, checkpoint: dict[str, Any]) -> bool:
        """Return whether `trainer` would take a step more in the epoch that was cut."""
        limits = (
            (trainer.max_steps, checkpoint["global_step"]),
            (trainer.max_epochs, _epochs(checkpoint)["current"]["processed"] - 1),
        )
        reached = any(limit not in (None, -1) and count >= limit for limit, count in limits)
        return not reached and not (_stops_early(trainer) and checkpoint[KEY]["stop"])


def _epochs(checkpoint: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return Lightning's counts of epochs."""
    return checkpoint["loops"]["fit_loop"]["epoch_progress"]


def _at_end(checkpoint: dict[str, Any]) -> bool:
    """Return whether a checkpoint was written at the end of an epoch."""
    now = _epochs(checkpoint)["current"]
    return now["processed"] == now["started"]


def _is_cut(checkpoint: dict[str, Any]) -> bool:
    """Return whether that was an end before the epoch's last batch."""
    return _at_end(checkpoint) and checkpoint[CorpusModule.__qualname__]["batch"] > 0


def _stops_early(trainer: L.Trainer) -> bool:
    return any(isinstance(callback, EarlyStopping) for callback in trainer.callbacks)


def _follow_folder(trainer: L.Trainer, checkpoint: dict[str, Any]) -> None:
    """Let a checkpoint know where the best ones are now, if the run's folder has been moved.

    Lightning would forget how good they were. One that was left behind is still where it was.
    """
    for callback in trainer.checkpoint_callbacks:
        state = checkpoint["callbacks"].get(callback.state_key)
        if not isinstance(callback, ModelCheckpoint) or state is None:
            continue

        def now(path: str, folder: str = str(callback.dirpath)) -> str:
            moved = Path(folder) / Path(path).name
            return str(moved) if moved.is_file() else path

        state["dirpath"] = callback.dirpath
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = now(state[key])
        state["best_k_models"] = {now(path): best for path, best in state["best_k_models"].items()}


def _from_all(own: dict[str, Any], processes: int) -> list[dict[str, Any]]:
    """Return what each process gives, in the order of their ranks."""
    if processes == 1:
        return [own]
    of_all: list[Any] = [None] * processes
    distributed.all_gather_object(of_all, own)
    return of_all


def _rows(trainer: L.Trainer) -> int:
    """Return how many rows the metrics have on disk; 0 where there is no such file."""
    for logger in trainer.loggers:
        if isinstance(logger, MetricsFile):
            logger.save()
            return len(logger.rows)
    return 0


def random_states(device: torch.device) -> dict[str, Any]:
    """Return the states of the generators of Python, numpy, torch, and of torch on `device`."""
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
    """Go on drawing where :func:`random_states` was called, on the same kind of device."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    keys, *rest = states["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if device.type != "cpu" and "device" in states:
        torch.get_device_module(device).set_rng_state(states["device"])
