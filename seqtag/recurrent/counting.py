"""The number of the step, for cells that read it: one more state, which every engine carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from torch import Tensor

from seqtag.cells import Cell
from seqtag.cells.spec import Values

STEP = "step"


@dataclass(frozen=True)
class CountingCell(Cell):
    """A cell with `counts_steps`, and the number of the step as its last state.

        step = step' + 1

    The cell's step reads the number before, from 0, as `unit["step"]`.

    Attributes:
        cell: the wrapped cell.
    """

    cell: Cell

    def __str__(self) -> str:
        return str(self.cell)

    gates = property(attrgetter("cell.gates"))
    products = property(attrgetter("cell.products"))
    inner_gates = property(attrgetter("cell.inner_gates"))
    has_gate_bias = property(attrgetter("cell.has_gate_bias"))
    vectors = property(attrgetter("cell.vectors"))
    initial_states = property(attrgetter("cell.initial_states"))
    untraceable = property(attrgetter("cell.untraceable"))

    @property
    def states(self) -> tuple[str, ...]:
        """The cell's states, and the number of the step."""
        return (*self.cell.states, STEP)

    def kept(self, values: Values) -> Any:
        """Return the share of its memory that a unit keeps at a step, or None."""
        return self.cell.kept(values)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the values of the cell's step, and the number of the next step."""
        number = state[STEP]
        values = self.cell.step(wx, rh, state, {**unit, STEP: number})
        return {**values, STEP: number + 1}


def counting(cell: Cell) -> Cell:
    """Return the cell in the form that engines run: with the number of the step if it reads it."""
    return CountingCell(cell) if cell.counts_steps else cell


def with_step(cell: Cell, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the initial states of `counting(cell)`, given those of the cell."""
    if not cell.counts_steps:
        return dict(state)
    return {
        **state,
        STEP: next(iter(state.values())).new_zeros(()).expand_as(state[cell.states[0]]),
    }
