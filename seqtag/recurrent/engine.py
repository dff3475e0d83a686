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


class Weights(NamedTuple):
    """Parameters of one direction, as they are to be used in this call.

    input_GD: W, blocks of rows in the order of `cell.gates`.
    recurrent: R of each of `cell.products`, (G*H, H).
    inner_GH: R in the order of `cell.inner_gates`; None for a cell without.
    bias_G: b, or None.
    unit: parameters with one value a unit, (H); biases among them are absent without bias.
    """

    input_GD: Tensor
    recurrent: tuple[Tensor, ...]
    inner_GH: Tensor | None
    bias_G: Tensor | None
    unit: Mapping[str, Tensor]

    def unit_of(self, cell: Cell) -> dict[str, Tensor | float]:
        """Return what the step gets: the number 0 stands for a bias that is absent."""
        return {vector.name: self.unit.get(vector.name, 0.0) for vector in cell.vectors}


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
