"""Layout of a batch for kernels that read forwards and time first, and back.

Each conversion is one autograd function: copies that autograd would save take up to a tenth of a
kernel's time. B batch, T time, D features, H hidden units, N directions (1 or 2).
"""

from typing import Any

import torch
from torch import Tensor

from seqtag.recurrent.padding import Padding


class SplitDirections(torch.autograd.Function):
    """Convert x (B, T, D) to (T, B, D) for each direction, 0 after the end, the second reversed.

    With `flag`, one more feature is appended: 1 after the end, else 0.
    """

    @staticmethod
    def forward(
        ctx: Any, x_BTD: Tensor, padding: Padding, directions: int, flag: bool
    ) -> tuple[Tensor, ...]:
        """Copy x once, and once more for the second direction."""
        ctx.padding = padding
        batch, time, ctx.size = x_BTD.shape
        read_TBD = x_BTD.new_empty(time, batch, ctx.size + flag)
        read_TBD[..., : ctx.size] = x_BTD.transpose(0, 1)
        padding.zero_padding_(read_TBD)
        if flag:
            read_TBD[..., ctx.size] = padding.outside_TB
        return (read_TBD, padding.reversed(read_TBD))[:directions]

    @staticmethod
    def backward(ctx: Any, grad_TBD: Tensor, *backwards: Tensor) -> tuple[Tensor | None, ...]:
        """Return the sum of the directions' gradients, 0 after the end."""
        sum_TBD = grad_TBD[..., : ctx.size].clone(memory_format=torch.contiguous_format)
        for other_TBD in backwards:
            sum_TBD += ctx.padding.reversed(other_TBD)[..., : ctx.size]
        return ctx.padding.zero_padding_(sum_TBD).transpose(0, 1), None, None, None


class JoinDirections(torch.autograd.Function):
    """Convert outputs (T, B, H) of each direction to y (B, T, N*H), 0 after the end."""

    @staticmethod
    def forward(ctx: Any, padding: Padding, *outputs: Tensor) -> Tensor:
        """Concatenate the directions."""
        ctx.padding = padding
        time, batch, ctx.size = outputs[0].shape
        y_TBH = outputs[0].new_empty(time, batch, ctx.size * len(outputs))
        y_TBH[..., : ctx.size] = outputs[0]
        for output_TBH in outputs[1:]:
            y_TBH[..., ctx.size :] = padding.reversed(output_TBH)
        return padding.zero_padding_(y_TBH).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad_BTH: Tensor) -> tuple[Tensor | None, ...]:
        """Return each direction's part of the gradient, 0 after the end."""
        forwards, *backwards = grad_BTH.transpose(0, 1).split(ctx.size, dim=-1)
        grads = [forwards.clone(memory_format=torch.contiguous_format)]
        grads += [ctx.padding.reversed(grad_TBH) for grad_TBH in backwards]
        return None, *(ctx.padding.zero_padding_(grad_TBH) for grad_TBH in grads)
