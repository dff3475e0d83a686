"""A batch without its padding, as rows in the order in which a loop over time reads them.

B batch, T time, H features, R rows. Sequences are ranked by length, longest first, so those that
run at a step are the first ones. Step s of rank i is the row start[s] + i. A path is a buffer of B
initial values (by rank), followed by the R rows.
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
        counts: number of sequences that run at each step.
        total: R.
        order_B: the sequence of each rank; None if ranks are in batch order.
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
        """The index of each row in a flattened (B, T)."""
        steps_R, ranks_R = self._step_and_rank
        times_R = steps_R
        if self.backwards:
            ends_R = self.time if self._lengths_B is None else self._lengths_B[ranks_R]
            times_R = ends_R - 1 - steps_R
        batch_R = ranks_R if self.order_B is None else self.order_B[ranks_R]
        return batch_R * self.time + times_R

    @cached_property
    def previous_R(self) -> Tensor | None:
        """The index in a path of each row's previous step; None if these are its first R."""
        if self._lengths_B is None:
            return None
        steps_R, ranks_R = self._step_and_rank
        starts_T = torch.tensor([0, self.batch, *self.starts[1:]], device=self.device)
        starts_T[2:] += self.batch
        return starts_T[steps_R] + ranks_R

    @cached_property
    def last_B(self) -> Tensor:
        """The index in a path of each sequence's last step, in batch order."""
        ranks_B = torch.arange(self.batch, device=self.device)
        if self._lengths_B is None:
            return self.total + ranks_B
        starts_T = torch.tensor([0, *(self.batch + s for s in self.starts)], device=self.device)
        return self.to_batch(starts_T[self._lengths_B] + ranks_B)

    @cached_property
    def last_alternating_B(self) -> Tensor:
        """As `last_B`, for a buffer with two alternating halves (see `alternating`)."""
        ranks_B = torch.arange(self.batch, device=self.device)
        ends_B = self.time if self._lengths_B is None else self._lengths_B
        return self.to_batch(ends_B % 2 * self.batch + ranks_B)

    def gather(self, x_BTH: Tensor) -> Tensor:
        """Return the rows of x."""
        return x_BTH.flatten(0, 1).index_select(0, self.index_R)

    def spread(self, x_BH: Tensor) -> Tensor:
        """Return x, which is by rank, repeated for the rows of each sequence."""
        return x_BH.index_select(0, self._step_and_rank[1])

    def by_rank(self, x_BH: Tensor) -> Tensor:
        """Return x, which is in batch order, by rank."""
        return x_BH if self.order_B is None else x_BH.index_select(0, self.order_B)

    def to_batch(self, x_B: Tensor) -> Tensor:
        """Return x, which is by rank, in batch order."""
        if self.order_B is None:
            return x_B
        return torch.empty_like(x_B).index_copy_(0, self.order_B, x_B)

    def previous(self, path_RH: Tensor) -> Tensor:
        """Return the value of a path one step before each row."""
        if self.previous_R is None:
            return path_RH[: self.total]
        return path_RH.index_select(0, self.previous_R)

    def steps(self, x_RH: Tensor) -> list[Tensor]:
        """Return the rows of each step."""
        return list(x_RH.split(self.counts))

    def steps_of_path(self, path_RH: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return a path's values before and at each step, for the sequences that run at it."""
        parts = path_RH.split([self.batch, *self.counts])
        before = [v if len(v) == n else v[:n] for v, n in zip(parts, self.counts, strict=False)]
        return before, list(parts[1:])

    def alternating(self, x_BH: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the same as `steps_of_path`, for a buffer (2B, H) with alternating halves."""
        halves = [self.repeat(half_BH) for half_BH in x_BH.split(max(1, self.batch))]
        lists = [[halves[(s + k) % 2][s] for s in range(self.time)] for k in range(2)]
        return lists[0], lists[1]

    def repeat(self, x_BH: Tensor) -> list[Tensor]:
        """Return the same buffer for each step, cut to the sequences that run at it."""
        cut = {n: x_BH[:n] for n in set(self.counts)}
        return [cut[n] for n in self.counts]
