"""Where sequences end, worked out once a call for all layers and directions.

B batch, T time, H features. Masks and rows are in the order of (T, B, H).
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from seqtag.errors import InputError


class Padding:
    """The ends of a right-padded batch.

    Attributes:
        batch: B.
        time: T, the longest length; the layer cuts x down to it.
        lengths_B: steps of each sequence, int64; None where all are `time` long.
        ragged: whether lengths differ.
        some_empty: whether lengths differ and a sequence has no steps.
    """

    def __init__(
        self,
        batch: int,
        time: int,
        device: torch.device,
        lengths_B: Tensor | None = None,
        some_empty: bool = False,
    ):
        self.batch = batch
        self.time = time
        self.device = device
        self.lengths_B = lengths_B
        self.ragged = lengths_B is not None
        self.some_empty = some_empty

    @classmethod
    def of(cls, x_BTD: Tensor, lengths_B: Tensor | None) -> Padding:
        """Check the lengths against x and work out their longest.

        On an accelerator this waits for the device, once a call: two numbers are read.

        Raises:
            InputError: for lengths that are no (B,) integers on x's device in 0..T.
        """
        batch, time = x_BTD.shape[:2]
        if lengths_B is not None:
            _check_form(lengths_B, x_BTD)
        if lengths_B is None or batch == 0:
            return cls(batch, time if batch else 0, x_BTD.device)
        shortest, longest = torch.stack(lengths_B.aminmax()).tolist()
        if shortest < 0:
            raise InputError(f"lengths must not be negative, but one is {shortest}")
        if longest > time:
            raise InputError(f"a length is {longest}, but x has only {time} steps")
        if shortest == longest:
            return cls(batch, longest, x_BTD.device)
        return cls(batch, longest, x_BTD.device, lengths_B.long(), some_empty=shortest == 0)

    @cached_property
    def outside_TB(self) -> Tensor:
        """True after a sequence's end."""
        return self._steps_T1 >= self._ends_B

    @cached_property
    def _steps_T1(self) -> Tensor:
        return torch.arange(self.time, device=self.device)[:, None]

    @cached_property
    def _columns_B(self) -> Tensor:
        return torch.arange(self.batch, device=self.device)

    @cached_property
    def _ends_B(self) -> Tensor:
        if self.lengths_B is not None:
            return self.lengths_B
        return torch.full((self.batch,), self.time, device=self.device)

    @cached_property
    def _outside_rows(self) -> Tensor:
        return self.outside_TB.flatten().nonzero().squeeze(1)

    @cached_property
    def _reversed_rows(self) -> Tensor:
        """Where each row of the reversed batch is read: t -> length-1-t, padding in its place.

        The map is its own inverse: it also brings a reversed batch back.
        """
        steps_TB = torch.where(self.outside_TB, self._steps_T1, self._ends_B - 1 - self._steps_T1)
        return (steps_TB * self.batch + self._columns_B).flatten()

    @cached_property
    def _last_rows(self) -> Tensor:
        return (self._ends_B - 1).clamp(min=0) * self.batch + self._columns_B

    def zero_padding_(self, x_TBH: Tensor) -> Tensor:
        """Write 0 after the end of a contiguous x, whatever stood there."""
        if not self.ragged:
            return x_TBH
        if x_TBH.is_cuda:  # there, finding the rows would wait for the device
            return x_TBH.masked_fill_(self.outside_TB[..., None], 0.0)
        # On a CPU masked_fill_ with a mask broadcast over features costs ten times as much.
        x_TBH.flatten(0, 1).index_fill_(0, self._outside_rows, 0.0)
        return x_TBH

    def reversed(self, x_TBH: Tensor) -> Tensor:
        """Return x with each sequence read backwards inside its length."""
        return x_TBH.flatten(0, 1).index_select(0, self._reversed_rows).view(x_TBH.shape)

    def at_end(self, y_TBH: Tensor, initial_BH: Tensor) -> Tensor:
        """Return y at each sequence's last step, or the initial value where there is no step."""
        if not self.ragged:
            return y_TBH[-1]
        y_BH = y_TBH.flatten(0, 1).index_select(0, self._last_rows)
        if not self.some_empty:
            return y_BH
        return torch.where((self._ends_B == 0)[:, None], initial_BH.to(y_BH.dtype), y_BH)

    def keep_ended(self, t: int, new_BH: Tensor, old_BH: Tensor) -> Tensor:
        """Return the new values where step t lies inside the sequence, else the old ones."""
        new_BH = new_BH.to(old_BH.dtype)
        if not self.ragged:
            return new_BH
        return torch.where(self.outside_TB[t][:, None], old_BH, new_BH)


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
