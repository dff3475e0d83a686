"""Lightning's trainer and what goes with it: callbacks, loggers, optimizer, schedule."""

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
from seqtag.training.factory import call, factory
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
# Those in which the weights themselves are not float32.
_WEIGHTS = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
_SHORT_PRECISIONS = {"32": "32-true", "64": "64-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def known_precision(precision: Any) -> str:
    """Return the full name of a precision, given as Lightning takes it: 16 is 16-mixed, None 32.

    Raises:
        InputError: if the network cannot be trained at it.
    """
    if precision is None:
        return "32-true"
    known = {name: name for name in _PRECISIONS} | _SHORT_PRECISIONS
    if isinstance(precision, bool) or str(precision) not in known:
        raise unknown("trainer.precision", precision, known)
    return known[str(precision)]


def weights_dtype(precision: Any) -> torch.dtype:
    """Return the type of the weights in training at that precision."""
    return _WEIGHTS.get(known_precision(precision), torch.float32)


def optimizer_factory(optimizer: Target, precision: Any) -> Callable[[Any], Any]:
    """Return a function from parameters to an optimizer, for training at that precision."""
    if optimizer.options.get("fused") and "mixed" in known_precision(precision):
        # Lightning does not clip gradients in mixed precision where the optimizer is fused.
        optimizer = replace(optimizer, options={**optimizer.options, "fused": False})
    return factory(optimizer, Optimizer, first=1)


def schedule_factory(scheduler: Target, total_steps: int) -> Callable[[Any], Any]:
    """Return a function from an optimizer to its schedule over `total_steps`."""
    return factory(scheduler, LRScheduler, first=1, total_steps=total_steps)


def build_trainer(settings: TrainingSettings, has_dev: bool) -> L.Trainer:
    """Build Lightning's trainer with its callbacks and loggers.

    Without a development split nothing can be chosen by it: the last weights are kept then, and
    training does not stop early.
    """
    process = current_process()
    options = _placed(settings.trainer, process)
    del options["overfit_batches"]
    if options["profiler"] is not None:
        options["profiler"] = _PROFILERS[options["profiler"]](
            dirpath=settings.output_dir, filename="profile"
        )
    callbacks = dict(settings.callbacks)
    if not has_dev:
        callbacks.pop("early_stopping", None)
        checkpoint = callbacks.get("checkpoint")
        if checkpoint is not None and "monitor" in checkpoint.options:
            kept = {**checkpoint.options, "monitor": None}
            callbacks["checkpoint"] = replace(checkpoint, options=kept)
    if options["enable_progress_bar"] is False:
        callbacks.pop("progress", None)
    if options["enable_checkpointing"] is False:
        for name in ("checkpoint", "last"):
            callbacks.pop(name, None)
    more = {
        "callbacks": [
            ResumeCallback(),
            *(factory(part, L.Callback)() for part in callbacks.values()),
        ],
        "logger": [factory(part, Logger)() for part in settings.logger.values()],
        "plugins": [CheckpointFiles(), LaunchedEnvironment(process)],
        "default_root_dir": settings.output_dir,
        # The order of batches is shared out by the data module itself.
        "use_distributed_sampler": False,
    }
    trainer = call(L.Trainer, "trainer", **options, **more)
    _require_started(trainer, process)
    return trainer


def _placed(settings: TrainerOptions, process: ProcessInfo) -> dict[str, Any]:
    """Return the trainer's options, with what a launcher has settled where they say auto."""
    options = asdict(settings)
    options["precision"] = known_precision(settings.precision)
    if settings.devices == "auto" and process.launcher:
        options["devices"] = process.local_world_size
    if settings.num_nodes == "auto":
        options["num_nodes"] = process.nodes
    if settings.strategy == "ddp_spawn":
        options["strategy"] = "ddp"  # whose processes begin with nothing here
    if settings.accelerator == "gpu" and not (
        torch.cuda.is_available() or torch.backends.mps.is_available()
    ):
        raise InputError("trainer: there is no GPU here that torch can use; take trainer=cpu")
    return options


def _require_started(trainer: L.Trainer, process: ProcessInfo) -> None:
    """Refuse a trainer for more processes, or fewer, than were started."""
    wanted = f"trainer.devices={trainer.num_devices} and num_nodes={trainer.num_nodes}"
    if process.launcher:
        if (trainer.num_devices, trainer.num_nodes) != (process.local_world_size, process.nodes):
            raise InputError(
                f"{process.launcher} started {process.local_world_size} processes on each of "
                f"{process.nodes} machines, but there is {wanted}; both are best left at auto, as "
                "in trainer=ddp"
            )
    elif trainer.num_nodes > 1:
        raise InputError(f"{wanted}: more than one machine needs torchrun or srun to start it")


def total_steps(trainer: L.Trainer, data: CorpusModule) -> int:
    """Return the number of optimizer steps that `trainer` will take at most.

    Worked out here, since asking Lightning for its estimate builds the loaders too early for an
    exact resume.

    Raises:
        InputError: if no batch of an epoch is to be used, or training is to go on for ever: there
            is no schedule over that.
    """
    share, batches = trainer.limit_train_batches, data.batches_per_epoch()
    used = min(batches, share) if isinstance(share, int) else int(batches * share)
    if not used:
        raise InputError(
            f"trainer.limit_train_batches={share}: that is none of the {batches} batches of an "
            "epoch; give a larger share, or a whole number"
        )
    steps = -(-used // trainer.accumulate_grad_batches) * (
        -1 if trainer.max_epochs is None else trainer.max_epochs
    )
    limits = [limit for limit in (steps, trainer.max_steps) if limit >= 0]
    if not limits:
        raise InputError("trainer: there is no end; set max_epochs or max_steps")
    return max(1, min(limits))
