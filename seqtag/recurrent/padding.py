"""Where sequences end, computed once per call for all layers and directions.

B batch, T time, H features. Masks and rows are time first: (T, B, H).
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from seqtag.errors import InputError


class Padding:
    """The lengths of a right-padded batch, and masks and indices made from them.

    Attributes:
        batch: B.
        time: T, the longest length; the layer cuts x down to it.
        lengths_B: number of steps of each sequence, int64; None if all are `time`.
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
        """Return the padding of a batch, after checking the lengths against x.

        Reads two numbers from the device, so with an accelerator it waits once per call.

        Raises:
            InputError: unless lengths are (B,) integers from 0 to T on x's device.
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
        """Source row of each row of the reversed batch: t -> length-1-t; padding stays in place.

        The map is its own inverse: applied twice it gives the original batch.
        """
        steps_TB = torch.where(self.outside_TB, self._steps_T1, self._ends_B - 1 - self._steps_T1)
        return (steps_TB * self.batch + self._columns_B).flatten()

    @cached_property
    def _last_rows(self) -> Tensor:
        return (self._ends_B - 1).clamp(min=0) * self.batch + self._columns_B

    def zero_padding_(self, x_TBH: Tensor) -> Tensor:
        """Set x, which is contiguous, to 0 after each sequence's end, in place."""
        if not self.ragged:
            return x_TBH
        if x_TBH.is_cuda:  # finding the rows would wait for the device
            return x_TBH.masked_fill_(self.outside_TB[..., None], 0.0)
        # On a CPU masked_fill_ with a mask broadcast over features costs ten times as much.
        x_TBH.flatten(0, 1).index_fill_(0, self._outside_rows, 0.0)
        return x_TBH

    def reversed(self, x_TBH: Tensor) -> Tensor:
        """Return x with each sequence reversed within its length."""
        return x_TBH.flatten(0, 1).index_select(0, self._reversed_rows).view(x_TBH.shape)

    def at_end(self, y_TBH: Tensor, initial_BH: Tensor) -> Tensor:
        """Return y at each sequence's last step; the initial value of a sequence without steps."""
        if not self.ragged:
            return y_TBH[-1]
        y_BH = y_TBH.flatten(0, 1).index_select(0, self._last_rows)
        return self.unless_empty(y_BH, initial_BH)

    def unless_empty(self, end: Tensor, initial: Tensor) -> Tensor:
        """Return final states (B, ...), or the initial one of a sequence without steps."""
        if not self.some_empty:
            return end
        empty = (self._ends_B == 0).view(-1, *[1] * (end.dim() - 1))
        return torch.where(empty, initial.to(end.dtype), end)

    def keep_ended(self, t: int, new_BH: Tensor, old_BH: Tensor) -> Tensor:
        """Return the new values of sequences that run at step t, and the old ones of the others."""
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
            f"lengths must have the shape ({x_BTD.shape[0]},), one per sequence, "
            f"not {tuple(lengths_B.shape)}"
        )
    if lengths_B.device != x_BTD.device:
        raise InputError(f"lengths are on {lengths_B.device}, but x is on {x_BTD.device}")
