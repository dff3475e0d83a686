"""Stop training at the first value that is not finite, in the same step on all processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor, distributed, nn

from seqtag.errors import Diverged, RunStopped
from seqtag.training.run_folder import LAST, PREVIOUS

# Stands for "no such step": no training reaches this one.
_NEVER = 2**62


class FirstNonFinite:
    """Record of the first step with a value that is not finite, kept on the device.

    Recording does not wait for the device; only :meth:`step` does.

    Example::

        losses = FirstNonFinite()
        losses.record(loss, step=1)
        losses.step(trainer)  # 1 if the loss is not finite, else None
    """

    def __init__(self) -> None:
        self._first: Tensor | None = None

    def record(self, value: Tensor, step: int) -> None:
        """Record a value of a step."""
        finite = torch.isfinite(value.detach()).all()
        if self._first is None:
            self._first = torch.full((), _NEVER, dtype=torch.int64, device=value.device)
        self._first = torch.where(finite, self._first, self._first.clamp(max=step))

    def step(self, trainer: L.Trainer) -> int | None:
        """Return the first such step of all processes, or None; all must call this together."""
        first = self._first
        if first is None:
            first = torch.full((), _NEVER, dtype=torch.int64, device=trainer.strategy.root_device)
        if trainer.world_size > 1:
            first = first.clone()
            distributed.all_reduce(first, distributed.ReduceOp.MIN)
        step = int(first)
        return None if step == _NEVER else step


def divergence_error(trainer: L.Trainer, what: str, rate: float | None = None) -> Diverged:
    """Return the error for a diverged run: the cause, remedies, and how to resume.

    Args:
        trainer: the trainer of the run.
        what: the value that is not finite, and its step: "the loss of step 3 is not finite".
        rate: the learning rate of that step, if known.
    """
    at = "" if rate is None else f" (learning rate {rate:.3g})"
    unclipped = trainer.gradient_clip_val is None
    clip = "trainer.gradient_clip_val=1.0" if unclipped else "a lower trainer.gradient_clip_val"
    precision = str(trainer.precision)
    wider = f", trainer.precision=32-true instead of {precision}" if "16" in precision else ""
    return Diverged(
        f"{what}{at}: training has diverged; try a lower optimizer.lr, {clip}, a "
        f"longer scheduler.warmup{wider}. {_resume_advice(trainer)}"
    )


def _resume_advice(trainer: L.Trainer) -> str:
    """Return which checkpoints exist, all written before the divergence, and how to use them."""
    folders = {
        Path(folder)
        for callback in trainer.checkpoint_callbacks
        if (folder := getattr(callback, "dirpath", None))
    }
    files = sorted(path for folder in folders for path in folder.glob("*.ckpt"))
    if not files:
        return "No checkpoint was written before this: start again"
    last = any(path.name in (LAST, PREVIOUS) for path in files)
    return (
        f"Checkpoints from before this: {', '.join(map(str, files))}; to resume, make one of these "
        f"changes and run the same command with ckpt_path={'last' if last else files[0]} "
        f"hydra.run.dir={files[0].parent.parent}"
    )


def first_non_finite(tensors: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> str | None:
    """Return the name of the first tensor with a value that is not finite, or None."""
    pairs = tensors.items() if isinstance(tensors, Mapping) else tensors
    for name, tensor in pairs:
        is_float = isinstance(tensor, Tensor) and tensor.is_floating_point()
        if is_float and not torch.isfinite(tensor).all():
            return name
    return None


def named_tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield path and tensor for each tensor in nested dicts and lists."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from named_tensors(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from named_tensors(part, f"{name}.{number}" if name else str(number))


def require_finite_weights(network: nn.Module) -> None:
    """Check that all weights of a trained network are finite.

    Raises:
        RunStopped: if one is not; the message names it.
    """
    if name := first_non_finite(network.state_dict()):
        raise RunStopped(
            f"after training the weights {name} are not finite: no model is written; try a lower "
            "optimizer.lr, a lower trainer.gradient_clip_val or a longer scheduler.warmup"
        )
