"""Learning rates over training: a warm-up, then a decay."""

from __future__ import annotations

import logging
import math
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from seqtag.errors import InputError

log = logging.getLogger("seqtag")

_DECAYS = {
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: (1.0 + math.cos(math.pi * done)) / 2.0,
    "constant": lambda done: 1.0,
}


class WarmupDecay(LambdaLR):
    """Rise linearly over a share of all steps, then fall to a share of the learning rate.

    Args:
        optimizer: whose learning rates, as they are, are the highest point.
        total_steps: steps of the whole training.
        warmup: the share of steps in which the rate rises, 0 to 1.
        decay: ``linear``, ``cosine`` or ``constant``.
        final: where the decay ends, as a share of the highest rate.
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
            raise InputError(f"scheduler.decay is one of {', '.join(_DECAYS)}, not {decay!r}")
        if not 0.0 <= warmup < 1.0:
            raise InputError(f"scheduler.warmup must be at least 0 and below 1, not {warmup}")
        rising = round(warmup * total_steps)

        def share(step: int) -> float:
            if step < rising:
                return (step + 1) / (rising + 1)
            done = min(1.0, (step - rising) / max(1, total_steps - rising))
            return final + (1.0 - final) * _DECAYS[decay](done)

        super().__init__(optimizer, share)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue at the step where another schedule was, with the rates of this one.

        They are those of the other one, unless it was over other `total_steps` or the learning
        rate was changed: a resumed run takes the new rates from here on.
        """
        own = list(self.base_lrs)
        super().load_state_dict(state_dict)
        if own != self.base_lrs:
            log.info("the learning rate is %s from here on; it was %s", own[0], self.base_lrs[0])
        self.base_lrs = own
        self._last_lr = [
            base * share(self.last_epoch)
            for base, share in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["initial_lr"] = base
