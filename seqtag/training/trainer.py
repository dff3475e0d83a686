"""Build Lightning's trainer with its callbacks and loggers, the optimizer and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger
from lightning.pytorch.profilers import (
    AdvancedProfiler,
    Profiler,
    PyTorchProfiler,
    SimpleProfiler,
)
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from seqtag.data.batches.module import CorpusModule
from seqtag.distributed.leader import LaunchedEnvironment
from seqtag.distributed.process import ProcessInfo, current_process
from seqtag.errors import InputError, unknown
from seqtag.training.factory import factory, instantiate
from seqtag.training.resume.files import CheckpointFiles
from seqtag.training.resume.state import ResumeCallback
from seqtag.training.settings import TrainingSettings
from seqtag.training.targets import Target
from seqtag.training.trainer_options import TrainerOptions

_PROFILERS: dict[str, Callable[..., Profiler]] = {
    "simple": SimpleProfiler,
    "advanced": AdvancedProfiler,
    "pytorch": PyTorchProfiler,
}
_PRECISIONS = ("32-true", "64-true", "bf16-true", "16-true", "bf16-mixed", "16-mixed")
# Precisions in which the weights are not float32.
_WEIGHT_DTYPES = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
_SHORT_PRECISIONS = {"32": "32-true", "64": "64-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def known_precision(precision: Any) -> str:
    """Return the full name of a precision: 16 is 16-mixed, None is 32-true.

    Raises:
        InputError: if the network cannot be trained at this precision.
    """
    if precision is None:
        return "32-true"
    known = {name: name for name in _PRECISIONS} | _SHORT_PRECISIONS
    if isinstance(precision, bool) or str(precision) not in known:
        raise unknown("trainer.precision", precision, known)
    return known[str(precision)]


def weights_dtype(precision: Any) -> torch.dtype:
    """Return the dtype of the weights during training at a precision."""
    return _WEIGHT_DTYPES.get(known_precision(precision), torch.float32)


def optimizer_factory(optimizer: Target, precision: Any) -> Callable[[Any], Any]:
    """Return a function from parameters to an optimizer, for training at a precision."""
    if optimizer.options.get("fused") and "mixed" in known_precision(precision):
        # Lightning cannot clip gradients in mixed precision with a fused optimizer.
        optimizer = replace(optimizer, options={**optimizer.options, "fused": False})
    return factory(optimizer, Optimizer, positional=1)


def schedule_factory(scheduler: Target, total_steps: int) -> Callable[[Any], Any]:
    """Return a function from an optimizer to its learning-rate schedule."""
    return factory(scheduler, LRScheduler, positional=1, total_steps=total_steps)


def build_trainer(
    settings: TrainingSettings, has_dev: bool, higher_is_better: bool = True
) -> L.Trainer:
    """Build Lightning's trainer with its callbacks and loggers.

    Callbacks that monitor the main development score, ``dev/metric``, get the mode "max" or "min"
    that fits it (`higher_is_better`), whatever their settings say. Without a development split
    (`has_dev` is false) the last weights are saved instead of the best ones, and training does not
    stop early.

    Raises:
        InputError: for invalid options, a missing GPU, or a number of processes other than the
            launcher's.
    """
    process = current_process()
    options = _trainer_arguments(settings.trainer, process)
    del options["overfit_batches"]
    if options["profiler"] is not None:
        options["profiler"] = _PROFILERS[options["profiler"]](
            dirpath=settings.output_dir, filename="profile"
        )
    mode = "max" if higher_is_better else "min"
    callbacks = {name: _with_mode(part, mode) for name, part in settings.callbacks.items()}
    if not has_dev:
        callbacks.pop("early_stopping", None)
        checkpoint = callbacks.get("checkpoint")
        if checkpoint is not None and "monitor" in checkpoint.options:
            unmonitored = {**checkpoint.options, "monitor": None}
            callbacks["checkpoint"] = replace(checkpoint, options=unmonitored)
    if options["enable_progress_bar"] is False:
        callbacks.pop("progress", None)
    if options["enable_checkpointing"] is False:
        for name in ("checkpoint", "last"):
            callbacks.pop(name, None)
    parts = {
        "callbacks": [
            ResumeCallback(),
            *(factory(part, L.Callback)() for part in callbacks.values()),
        ],
        "logger": [factory(part, Logger)() for part in settings.logger.values()],
        "plugins": [CheckpointFiles(), LaunchedEnvironment(process)],
        "default_root_dir": settings.output_dir,
        # The data module itself splits batches among processes.
        "use_distributed_sampler": False,
    }
    trainer = instantiate(L.Trainer, "trainer", **options, **parts)
    _require_world_size(trainer, process)
    return trainer


def _with_mode(callback: Target, mode: str) -> Target:
    """Return a callback with the mode that fits the main score, if it monitors that."""
    if callback.options.get("monitor") != "dev/metric" or "mode" not in callback.options:
        return callback
    return replace(callback, options={**callback.options, "mode": mode})


def _trainer_arguments(settings: TrainerOptions, process: ProcessInfo) -> dict[str, Any]:
    """Return the trainer's options, with "auto" replaced by the numbers of the launcher."""
    options = asdict(settings)
    options["precision"] = known_precision(settings.precision)
    if settings.devices == "auto" and process.launcher:
        options["devices"] = process.local_world_size
    if settings.num_nodes == "auto":
        options["num_nodes"] = process.nodes
    if settings.strategy == "ddp_spawn":
        options["strategy"] = "ddp"  # the same here: followers are new processes
    if settings.accelerator == "gpu" and not (
        torch.cuda.is_available() or torch.backends.mps.is_available()
    ):
        raise InputError("trainer: there is no GPU here that torch can use; use trainer=cpu")
    return options


def _require_world_size(trainer: L.Trainer, process: ProcessInfo) -> None:
    """Refuse a trainer for another number of processes than the launcher started."""
    requested = f"trainer.devices={trainer.num_devices} and num_nodes={trainer.num_nodes}"
    if process.launcher:
        if (trainer.num_devices, trainer.num_nodes) != (process.local_world_size, process.nodes):
            raise InputError(
                f"{process.launcher} started {process.local_world_size} processes on each of "
                f"{process.nodes} machines, but the configuration has {requested}; leave both at "
                "auto, as in trainer=ddp"
            )
    elif trainer.num_nodes > 1:
        raise InputError(f"{requested}: several machines need torchrun or srun as the launcher")


def total_steps(trainer: L.Trainer, data: CorpusModule) -> int:
    """Return the maximal number of optimizer steps of a training.

    Lightning's own estimate would build the data loaders too early for an exact resume.

    Raises:
        InputError: if no batch of an epoch is used, or the number of steps is unlimited: a schedule
            needs its last step.
    """
    share, batches = trainer.limit_train_batches, data.batches_per_epoch()
    used = min(batches, share) if isinstance(share, int) else int(batches * share)
    if not used:
        raise InputError(
            f"trainer.limit_train_batches={share} selects 0 of the {batches} batches of an epoch; "
            "use a larger share, or a number of batches"
        )
    steps = -(-used // trainer.accumulate_grad_batches) * (
        -1 if trainer.max_epochs is None else trainer.max_epochs
    )
    limits = [limit for limit in (steps, trainer.max_steps) if limit >= 0]
    if not limits:
        raise InputError("trainer: training would never end; set max_epochs or max_steps")
    return max(1, min(limits))
