"""Callback that evaluates and saves a running average of the weights instead of the weights."""

from __future__ import annotations

from typing import Annotated, Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from seqtag.checks import Above, Below, checked
from seqtag.errors import InputError


class ExponentialAverage(WeightAveraging):
    """Exponential moving average of the weights, updated after each step.

    After n updates the decay is min(`decay`, (1 + n) / (10 + n)), so that the random initial
    weights soon lose their influence. Development scores, checkpoints and the saved model are those
    of the average (Polyak & Juditsky 1992).

    Args:
        decay: the share of the average that each update retains, above 0 and below 1.

    Raises:
        InputError: if `decay` is out of range.

    Example::

        trainer = lightning.Trainer(callbacks=[ExponentialAverage(decay=0.999)])
    """

    def __init__(self, decay: float = 0.999) -> None:
        checked(decay, Annotated[float, Above(0), Below(1)], "callbacks.average.decay")
        self.decay = decay
        super().__init__(use_buffers=False, multi_avg_fn=self._average)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Create the average, as a copy of the weights.

        Raises:
            InputError: if the weights have half precision: updates would be rounded away.
        """
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:
            # Lightning converts the dtype of the weights later.
            self._average_model = trainer.precision_plugin.convert_module(self._average_model)
        averaged = self._average_model or pl_module
        if any(weight.dtype.itemsize < 4 for weight in averaged.parameters()):
            raise InputError(
                f"trainer.precision={trainer.precision} has too few digits for a running average "
                "of the weights: use bf16-mixed or 32-true, or callbacks.average=null"
            )

    @torch.no_grad()
    def _average(self, averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        step = int(num_averaged)
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(averaged, current, 1.0 - decay)
