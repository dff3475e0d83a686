"""A batch without its padding: the rows that a loop over time goes through.

B batch, T time, H features, R rows. Sequences are ranked by length, longest first, so those that
run at a step are the first ones. Step s of rank i is the row start[s] + i. A path is a buffer of
what lies before the first step (B rows, by rank) and behind it the rows.
"""

from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from seqtag.recurrent.padding import Padding


class Rows:
    """The rows of one direction.

    Attributes:
        batch: B.
        time: T, the longest length.
        counts: how many sequences run at each step.
        total: R.
        order_B: the sequence of each rank; None where ranks are the batch's own order.
    """

    def __init__(self, padding: Padding, backwards: bool):
        self.batch, self.time = padding.batch, padding.time
        self.device = padding.device
        self.backwards = backwards
        self.order_B: Tensor | None = None
        self._lengths_B: Tensor | None = None
        self.counts = [self.batch] * self.time
        if padding.lengths_B is not None:
            self._lengths_B, self.order_B = padding.lengths_B.sort(descending=True, stable=True)
            self.counts = (~padding.outside_TB).sum(1).tolist()
        self.total = sum(self.counts)
        self.starts = [0, *accumulate(self.counts)]

    @cached_property
    def _step_and_rank(self) -> tuple[Tensor, Tensor]:
        """The step and the rank of each row."""
        steps_T1 = torch.arange(self.time, device=self.device)[:, None]
        ranks_B = torch.arange(self.batch, device=self.device)
        if self._lengths_B is None:
            shape = (self.time, self.batch)
            return steps_T1.expand(shape).flatten(), ranks_B.expand(shape).flatten()
        steps_R, ranks_R = (steps_T1 < self._lengths_B).nonzero(as_tuple=True)
        return steps_R, ranks_R

    @cached_property
    def index_R(self) -> Tensor:
        """Where each row lies in a flattened (B, T)."""
        steps_R, ranks_R = self._step_and_rank
        times_R = steps_R
        if self.backwards:
            ends_R = self.time if self._lengths_B is None else self._lengths_B[ranks_R]
            times_R = ends_R - 1 - steps_R
        batch_R = ranks_R if self.order_B is None else self.order_B[ranks_R]
        return batch_R * self.time + times_R

    @cached_property
    def previous_R(self) -> Tensor | None:
        """The row of a path where each row's previous step lies; None for the first R of it."""
        if self._lengths_B is None:
            return None
        steps_R, ranks_R = self._step_and_rank
        starts_T = torch.tensor([0, self.batch, *self.starts[1:]], device=self.device)
        starts_T[2:] += self.batch
        return starts_T[steps_R] + ranks_R

    @cached_property
    def last_B(self) -> Tensor:
        """The row of a path at the end of each sequence, in the batch's order."""
        ranks_B = torch.arange(self.batch, device=self.device)
        if self._lengths_B is None:
            return self.total + ranks_B
        starts_T = torch.tensor([0, *(self.batch + s for s in self.starts)], device=self.device)
        return self.to_batch(starts_T[self._lengths_B] + ranks_B)

    @cached_property
    def last_alternating_B(self) -> Tensor:
        """As `last_B`, of a buffer in which steps take turns (see `turns`)."""
        ranks_B = torch.arange(self.batch, device=self.device)
        ends_B = self.time if self._lengths_B is None else self._lengths_B
        return self.to_batch(ends_B % 2 * self.batch + ranks_B)

    def gather(self, x_BTH: Tensor) -> Tensor:
        """Return the rows of x."""
        return x_BTH.flatten(0, 1).index_select(0, self.index_R)

    def spread(self, x_BH: Tensor) -> Tensor:
        """Return for each row what x, by rank, has for its sequence."""
        return x_BH.index_select(0, self._step_and_rank[1])

    def by_rank(self, x_BH: Tensor) -> Tensor:
        """Return x in the order of ranks."""
        return x_BH if self.order_B is None else x_BH.index_select(0, self.order_B)

    def to_batch(self, x_B: Tensor) -> Tensor:
        """Return in the batch's order what is in that of ranks."""
        if self.order_B is None:
            return x_B
        return torch.empty_like(x_B).index_copy_(0, self.order_B, x_B)

    def previous(self, path_RH: Tensor) -> Tensor:
        """Return of a path what lies a step before each row."""
        if self.previous_R is None:
            return path_RH[: self.total]
        return path_RH.index_select(0, self.previous_R)

    def steps(self, x_RH: Tensor) -> list[Tensor]:
        """Return the rows of each step."""
        return list(x_RH.split(self.counts))

    def steps_of_path(self, path_RH: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return what lies before each step and what at it, for the sequences that run there."""
        parts = path_RH.split([self.batch, *self.counts])
        before = [v if len(v) == n else v[:n] for v, n in zip(parts, self.counts, strict=False)]
        return before, list(parts[1:])

    def alternating(self, x_BH: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return as `steps_of_path` does, of a buffer (2B, H) in which steps take turns."""
        halves = [self.repeat(half_BH) for half_BH in x_BH.split(max(1, self.batch))]
        lists = [[halves[(s + k) % 2][s] for s in range(self.time)] for k in range(2)]
        return lists[0], lists[1]

    def repeat(self, x_BH: Tensor) -> list[Tensor]:
        """Return the same buffer for each step, cut down to the sequences that run there."""
        cut = {n: x_BH[:n] for n in set(self.counts)}
        return [cut[n] for n in self.counts]
