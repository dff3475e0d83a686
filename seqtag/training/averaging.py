"""A running average of the weights, evaluated and saved in their place."""

from __future__ import annotations

from typing import Annotated, Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from seqtag.checks import Above, Below, checked
from seqtag.errors import InputError


class ExponentialAverage(WeightAveraging):
    """Exponential moving average of the weights, taken after each step.

    The decay rises as (1 + n) / (10 + n) over the first n steps, so that the random weights at
    the start are soon forgotten, until it reaches `decay`. Development figures, checkpoints and
    the saved model are those of the average (Polyak & Juditsky 1992).
    """

    def __init__(self, decay: float = 0.999) -> None:
        checked(decay, Annotated[float, Above(0), Below(1)], "callbacks.average.decay")
        self.decay = decay
        super().__init__(use_buffers=False, multi_avg_fn=self._average)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make the average of the weights.

        Raises:
            InputError: if they are of half precision, in which an average would stand still.
        """
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:
            # Lightning converts the weights themselves only after this.
            self._average_model = trainer.precision_plugin.convert_module(self._average_model)
        averaged = self._average_model or pl_module
        if any(weight.dtype.itemsize < 4 for weight in averaged.parameters()):
            raise InputError(
                f"trainer.precision={trainer.precision} has too few digits for a running average "
                "of the weights: take bf16-mixed or 32-true, or callbacks.average=null"
            )

    @torch.no_grad()
    def _average(self, averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        step = int(num_averaged)
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(averaged, current, 1.0 - decay)
