"""Learning-rate schedules: a warm-up, then a decay."""

from __future__ import annotations

import logging
import math
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from seqtag.errors import InputError

log = logging.getLogger("seqtag")

_DECAYS = {
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: (1.0 + math.cos(math.pi * progress)) / 2.0,
    "constant": lambda progress: 1.0,
}


class WarmupDecay(LambdaLR):
    """Schedule with a linear warm-up over a share of all steps, then a decay.

    Args:
        optimizer: the optimizer; its learning rate is the highest one of the schedule.
        total_steps: number of steps of the whole training.
        warmup: share of the steps in which the rate rises, at least 0 and below 1.
        decay: ``linear``, ``cosine`` (Loshchilov & Hutter 2017) or ``constant``.
        final: the rate at the end of the decay, as a share of the highest rate.

    Raises:
        InputError: for an unknown decay or a warm-up out of range.

    Example::

        optimizer = torch.optim.AdamW(network.parameters(), lr=0.003)
        schedule = WarmupDecay(optimizer, total_steps=1000, decay="cosine")
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        warmup: float = 0.1,
        decay: str = "linear",
        final: float = 0.0,
    ) -> None:
        if decay not in _DECAYS:
            raise InputError(f"scheduler.decay must be one of {', '.join(_DECAYS)}, not {decay!r}")
        if not 0.0 <= warmup < 1.0:
            raise InputError(f"scheduler.warmup must be at least 0 and below 1, not {warmup}")
        warmup_steps = round(warmup * total_steps)

        def factor(step: int) -> float:
            if step < warmup_steps:
                return (step + 1) / (warmup_steps + 1)
            progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
            return final + (1.0 - final) * _DECAYS[decay](progress)

        super().__init__(optimizer, factor)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the step from a state, but not the learning rates.

        So if the learning rate or `total_steps` was changed, a resumed run continues with the
        rates of the new schedule.
        """
        new = list(self.base_lrs)
        super().load_state_dict(state_dict)
        if new != self.base_lrs:
            log.info("the learning rate is now %s; it was %s", new[0], self.base_lrs[0])
        self.base_lrs = new
        self._last_lr = [
            base * factor(self.last_epoch)
            for base, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["initial_lr"] = base
