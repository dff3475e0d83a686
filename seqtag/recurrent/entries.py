"""Inputs given as rows of a table of distinct vectors.

B batch, T time, D features in, U entries (rows of the table).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Entries(NamedTuple):
    """Inputs with repeated vectors: step t of sequence b is `table_UD[rows_BT[b, t]]`.

    Used in place of x when a word's vector depends on the word alone. The cpu engine, without
    gradients, then computes W x once per entry instead of once per step.

    table_UD: the distinct vectors, at least one.
    rows_BT: int64, from 0 to U - 1, padding included.
    """

    table_UD: Tensor
    rows_BT: Tensor

    def gather(self) -> Tensor:
        """Return x: (B, T, D)."""
        return self.table_UD[self.rows_BT]

    def placeholder(self) -> Tensor:
        """Return a tensor with the shape, dtype and device of x, but arbitrary values."""
        return self.table_UD[0].expand(*self.rows_BT.shape, -1)

    def first_steps(self, time: int) -> Entries:
        """Return the inputs of the first `time` steps."""
        return self._replace(rows_BT=self.rows_BT[:, :time].contiguous())
