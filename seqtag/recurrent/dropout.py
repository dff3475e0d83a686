"""Fast dropout on a CPU, where drawing one random number per element takes longer than a layer.

Each element needs 16 random bits, so one 64-bit draw serves four elements.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 1 << 16


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """Return x with a share p of its elements set to 0 and the others scaled by 1 / (1 - p).

    Returns x itself in evaluation. On a CPU p is rounded to a multiple of 1/65536.
    """
    if not training or p == 0 or not x.numel():
        return x
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return F.dropout(x, p)
    kept = _count(1 - p)
    return x * _draw(x.shape, kept).to(x.dtype).mul_(_LEVELS / kept)


def random_mask(like: Tensor, p: float) -> Tensor:
    """Return a boolean tensor of the same shape and device, each element True with probability p.

    On a CPU p is rounded to a multiple of 1/65536.
    """
    if like.device.type != "cpu" or not like.numel():
        return torch.empty_like(like, dtype=torch.bool).bernoulli_(p)
    return _draw(like.shape, _count(p))


def _count(p: float) -> int:
    """Return how many of the levels stand for a probability between 0 and 1."""
    return min(max(round(p * _LEVELS), 1), _LEVELS - 1)


def _draw(shape: torch.Size, count: int) -> Tensor:
    """Return a boolean tensor, each element True with a probability of count / _LEVELS."""
    draws = torch.empty(-(-shape.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    return draws.view(torch.int16)[: shape.numel()].view(shape) < count - _LEVELS // 2


class Dropout(nn.Dropout):
    """`nn.Dropout` with the fast `dropout` above."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, with dropout in training."""
        return dropout(input, self.p, self.training)
