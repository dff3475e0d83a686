"""The contract of an engine: what runs one layer of a cell over a batch.

B batch, T time, D features in, H hidden units, N directions (1 or 2), G gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.noise import Noise
from seqtag.recurrent.padding import Padding
from seqtag.recurrent.parameters import Weights

States = Mapping[str, Tensor]  # by name, each (B, H)
Traces = Mapping[str, Tensor]  # every gate and state by name, each (B, T, H) in time order


class Run(NamedTuple):
    """What an engine gives back.

    y_BTH: outputs, (B, T, N*H), 0 behind the end; any strides.
    states: the states at each sequence's end, one mapping a direction; for the second
        direction that is after its first word.
    traces: one mapping a direction where they were asked for, 0 behind the end; else ().
    """

    y_BTH: Tensor
    states: Sequence[States]
    traces: Sequence[Traces] = ()


class Broken(str):
    """A refusal that someone should hear of: what ought to work here does not."""


class Engine(Protocol):
    """One way to run any cell, or some.

    Of `run`: x_BTD may hold anything behind the end, NaN too, and T is the longest length. The
    first direction reads each sequence forwards, the second backwards from its own end. `states`
    are the initial ones, one mapping a direction. A sequence without steps keeps its initial
    state. Nothing behind a sequence's end may change an output, a state or a gradient. `noise` is
    what the call has drawn at random; an engine that has no room for it refuses it.
    """

    name: str

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Return why this engine cannot run the cell, or None where it can."""

    def run(
        self,
        cell: Cell,
        x_BTD: Tensor,
        weights: Sequence[Weights],
        states: Sequence[States],
        padding: Padding,
        traces: bool = False,
        noise: Noise | None = None,
    ) -> Run:
        """Run one layer in all its directions."""
