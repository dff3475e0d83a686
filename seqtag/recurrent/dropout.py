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
    kept = min(max(round((1 - p) * _LEVELS), 1), _LEVELS - 1)
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
    return x * (bits < kept - _LEVELS // 2).to(x.dtype).mul_(_LEVELS / kept)


class Dropout(nn.Dropout):
    """`nn.Dropout` with the fast `dropout` above."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, with dropout in training."""
        return dropout(input, self.p, self.training)
