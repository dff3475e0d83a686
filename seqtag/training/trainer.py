"""Lightning's trainer and what goes with it: callbacks, loggers, optimizer, schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from seqtag.distributed.leader import StartedAlready
from seqtag.distributed.place import Place, current_place
from seqtag.errors import InputError, unknown
from seqtag.training.factory import call, factory
from seqtag.training.resume.files import CheckpointFiles
from seqtag.training.resume.state import Continuity
from seqtag.training.targets import CALLBACKS, LOGGERS, OPTIMIZERS, SCHEDULES
from seqtag.training.trainer_options import check_trainer

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


def optimizer_factory(optimizer: Mapping[str, Any], precision: Any) -> Callable[[Any], Any]:
    """Return a function from parameters to an optimizer, for training at that precision."""
    if optimizer.get("fused") and "mixed" in known_precision(precision):
        # Lightning does not clip gradients in mixed precision where the optimizer is fused.
        optimizer = {**optimizer, "fused": False}
    return factory(optimizer, OPTIMIZERS, Optimizer, "optimizer", first=1)


def schedule_factory(scheduler: Mapping[str, Any], total_steps: int) -> Callable[[Any], Any]:
    """Return a function from an optimizer to its schedule over `total_steps`."""
    return factory(scheduler, SCHEDULES, LRScheduler, "scheduler", first=1, total_steps=total_steps)


def build_trainer(config: Mapping[str, Any], has_dev: bool) -> L.Trainer:
    """Build Lightning's trainer with its callbacks and loggers.

    Without a development split nothing can be chosen by it: the last weights are kept then, and
    training does not stop early.
    """
    place = current_place()
    check_trainer(config["trainer"])
    options = _placed(config["trainer"], place)
    options.pop("overfit_batches", None)
    if options.get("profiler") is not None:
        options["profiler"] = _PROFILERS[options["profiler"]](
            dirpath=config["paths"]["output_dir"], filename="profile"
        )
    callbacks = {name: dict(part) for name, part in config["callbacks"].items() if part}
    if not has_dev:
        callbacks.pop("early_stopping", None)
        if "monitor" in callbacks.get("checkpoint", {}):
            callbacks["checkpoint"]["monitor"] = None
    if not options.get("enable_progress_bar", True):
        callbacks.pop("progress", None)
    if not options.get("enable_checkpointing", True):
        for name in ("checkpoint", "last"):
            callbacks.pop(name, None)
    loggers = {name: part for name, part in config["logger"].items() if part}
    beside = {
        "callbacks": [
            Continuity(),
            *(
                factory(part, CALLBACKS, L.Callback, f"callbacks.{name}")()
                for name, part in callbacks.items()
            ),
        ],
        "logger": [
            factory(part, LOGGERS, Logger, f"logger.{name}")() for name, part in loggers.items()
        ],
        "plugins": [CheckpointFiles(), StartedAlready(place)],
        "default_root_dir": config["paths"]["output_dir"],
        # The order of batches is shared out by the data module itself.
        "use_distributed_sampler": False,
    }
    trainer = call(L.Trainer, "trainer", **options, **beside)
    _require_started(trainer, place)
    return trainer


def _placed(options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return the trainer's options, with what a launcher has settled where they say auto."""
    auto = {"accelerator": "auto", "devices": "auto", "num_nodes": "auto", "strategy": "auto"}
    placed = auto | dict(options)
    placed["precision"] = known_precision(placed.get("precision"))
    if placed["devices"] == "auto" and place.launcher:
        placed["devices"] = place.local_processes
    if placed["num_nodes"] == "auto":
        placed["num_nodes"] = place.nodes
    if placed["strategy"] == "ddp_spawn":
        placed["strategy"] = "ddp"  # whose processes begin with nothing here
    if placed["accelerator"] == "gpu" and not (
        torch.cuda.is_available() or torch.backends.mps.is_available()
    ):
        raise InputError("trainer: there is no GPU here that torch can use; take trainer=cpu")
    return placed


def _require_started(trainer: L.Trainer, place: Place) -> None:
    """Refuse a trainer for more processes, or fewer, than were started."""
    wanted = f"trainer.devices={trainer.num_devices} and num_nodes={trainer.num_nodes}"
    if place.launcher:
        if (trainer.num_devices, trainer.num_nodes) != (place.local_processes, place.nodes):
            raise InputError(
                f"{place.launcher} started {place.local_processes} processes on each of "
                f"{place.nodes} machines, but there is {wanted}; both are best left at auto, as "
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
