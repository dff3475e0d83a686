"""Inputs by reference: the steps of a batch as rows of a table.

B batch, T time, D features in, U entries.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Entries(NamedTuple):
    """Inputs of which many are the same: step t of sequence b is `table_UD[rows_BT[b, t]]`.

    In place of x, where words stand for themselves: W x is then worked out once for each
    entry, not once for each step (on the cpu engine, without gradients).

    table_UD: at least one entry.
    rows_BT: int64, each in 0..U-1; after the end too.
    """

    table_UD: Tensor
    rows_BT: Tensor

    def gather(self) -> Tensor:
        """Return x: (B, T, D)."""
        return self.table_UD[self.rows_BT]

    def placeholder(self) -> Tensor:
        """Return what has the shape, the dtype and the device of x, but not its values."""
        return self.table_UD[0].expand(*self.rows_BT.shape, -1)

    def first_steps(self, time: int) -> Entries:
        """Return the first steps."""
        return self._replace(rows_BT=self.rows_BT[:, :time].contiguous())
