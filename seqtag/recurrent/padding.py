"""Where sequences end, worked out once a call for all layers and directions.

B batch, T time, H features. Engines that work on (T, B, H) get their masks in that order.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from seqtag.errors import InputError


class Padding:
    """The ends of a right-padded batch.

    Attributes:
        lengths_B: steps of each sequence, int64; None where all are `time` long.
        batch: B.
        time: T, the longest length; the layer cuts x down to it.
        ragged: whether lengths differ.
    """

    def __init__(self, batch: int, time: int, lengths_B: Tensor | None, device: torch.device):
        self.lengths_B = lengths_B
        self.batch = batch
        self.time = time
        self.device = device
        self.ragged = lengths_B is not None

    @classmethod
    def of(cls, x_BTD: Tensor, lengths_B: Tensor | None) -> Padding:
        """Check the lengths against x and work out their longest.

        On an accelerator this waits for the device, once a call: two numbers are read.

        Raises:
            InputError: for lengths that are no (B,) integers on x's device in 0..T.
        """
        batch, time = x_BTD.shape[:2]
        if lengths_B is None:
            return cls(batch, time if batch else 0, None, x_BTD.device)
        _check_form(lengths_B, x_BTD)
        if batch == 0:
            return cls(0, 0, None, x_BTD.device)
        shortest, longest = torch.stack(lengths_B.aminmax()).tolist()
        if shortest < 0:
            raise InputError(f"lengths must not be negative, but one is {shortest}")
        if longest > time:
            raise InputError(f"a length is {longest}, but x has only {time} steps")
        ragged = lengths_B.long() if shortest < longest else None
        return cls(batch, longest, ragged, x_BTD.device)

    @cached_property
    def outside_TB(self) -> Tensor:
        """True behind a sequence's end."""
        steps_T1 = torch.arange(self.time, device=self.device)[:, None]
        return steps_T1 >= self._lengths_B

    @cached_property
    def _lengths_B(self) -> Tensor:
        if self.lengths_B is not None:
            return self.lengths_B
        return torch.full((self.batch,), self.time, device=self.device)

    @cached_property
    def _reversal(self) -> Tensor:
        """Rows of (T*B, H) with each sequence read backwards: t -> length-1-t, padding stays."""
        steps_T1 = torch.arange(self.time, device=self.device)[:, None]
        source_TB = torch.where(self.outside_TB, steps_T1, self._lengths_B - 1 - steps_T1)
        return (source_TB * self.batch + torch.arange(self.batch, device=self.device)).flatten()

    @cached_property
    def _rows_outside(self) -> Tensor:
        """Rows of (T*B, H) behind a sequence's end."""
        return self.outside_TB.flatten().nonzero().squeeze(1)

    def clear(self, x_TBH: Tensor) -> Tensor:
        """Return x with 0 behind the end, whatever stood there, contiguous where it is ragged."""
        if not self.ragged:
            return x_TBH
        if x_TBH.is_cuda:
            return x_TBH.masked_fill(self.outside_TB[..., None], 0.0).contiguous()
        return _ClearRows.apply(x_TBH, self._rows_outside)

    def reverse(self, x_TBH: Tensor) -> Tensor:
        """Read each sequence backwards inside its length."""
        return _Permute.apply(x_TBH, self._reversal)

    def keep(self, t: int, new_BH: Tensor, old_BH: Tensor) -> Tensor:
        """Return the new values where step t lies inside the sequence, else the old ones."""
        new_BH = new_BH.to(old_BH.dtype)
        if self.lengths_B is None:
            return new_BH
        return torch.where(self.outside_TB[t][:, None], old_BH, new_BH)

    def at_end(self, y_TBH: Tensor, initial_BH: Tensor) -> Tensor:
        """Return y at each sequence's last step, or the initial value where there is no step."""
        if self.lengths_B is None:
            return y_TBH[-1]
        last_B = (self.lengths_B - 1).clamp(min=0)
        rows_B = torch.arange(self.batch, device=self.device)
        empty_B1 = (self.lengths_B == 0)[:, None]
        return torch.where(empty_B1, initial_BH.to(y_TBH.dtype), y_TBH[last_B, rows_B])


class _ClearRows(torch.autograd.Function):
    """Set rows to 0, in the values and in the gradient.

    On a CPU a masked_fill whose mask is broadcast over features costs ten times as much.
    """

    @staticmethod
    def forward(ctx: Any, x_TBH: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        out_TBH = x_TBH.clone(memory_format=torch.contiguous_format)
        out_TBH.flatten(0, 1).index_fill_(0, rows, 0.0)
        return out_TBH

    @staticmethod
    def backward(ctx: Any, grad_TBH: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors
        return _ClearRows.apply(grad_TBH, rows), None


class _Permute(torch.autograd.Function):
    """Reorder rows by a permutation that is its own inverse.

    Its gradient is then itself: index_select alone would add gradients up row by row.
    """

    @staticmethod
    def forward(ctx: Any, x_TBH: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return x_TBH.flatten(0, 1).index_select(0, rows).view(x_TBH.shape)

    @staticmethod
    def backward(ctx: Any, grad_TBH: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors
        return _Permute.apply(grad_TBH, rows), None


def _check_form(lengths_B: Tensor, x_BTD: Tensor) -> None:
    if not isinstance(lengths_B, Tensor):
        raise InputError(f"lengths must be a tensor, not {type(lengths_B).__name__}")
    integer = not (lengths_B.is_floating_point() or lengths_B.is_complex())
    if not integer or lengths_B.dtype == torch.bool:
        raise InputError(f"lengths must be integers, not {lengths_B.dtype}")
    if lengths_B.shape != x_BTD.shape[:1]:
        raise InputError(
            f"lengths must have the shape ({x_BTD.shape[0]},), one a sequence, "
            f"not {tuple(lengths_B.shape)}"
        )
    if lengths_B.device != x_BTD.device:
        raise InputError(f"lengths are on {lengths_B.device}, but x is on {x_BTD.device}")
