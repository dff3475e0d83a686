"""Noise inside the recurrence: dropout on the recurrent state, and zoneout.

B batch, T time, H hidden units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.cells.spec import Values, Vector
from seqtag.recurrent.dropout import dropout
from seqtag.recurrent.parameters import Weights


class Noise(NamedTuple):
    """Random masks of one call of an engine: one mapping per direction; () without that noise.

    recurrent: masks of the states that an R multiplies, (B, H) by state: 0 for a unit that is
        dropped in that sequence, else 1 / (1 - share).
    zoneout: masks by the name of the `ZoneoutCell` parameter, (B, T, H) in time order: 1 where a
        unit keeps its previous value at a step, else 0. Values after the end are arbitrary.
    """

    recurrent: Sequence[Mapping[str, Tensor]] = ()
    zoneout: Sequence[Mapping[str, Tensor]] = ()

    def recurrent_masks(self, direction: int) -> Mapping[str, Tensor]:
        """Return the dropout masks of the recurrent states in a direction."""
        return self.recurrent[direction] if self.recurrent else {}

    def zoneout_masks(self, direction: int) -> Mapping[str, Tensor]:
        """Return the zoneout masks in a direction."""
        return self.zoneout[direction] if self.zoneout else {}


def draw_noise(
    cell: Cell,
    x_BTD: Tensor,
    hidden_size: int,
    directions: int,
    recurrent_dropout: float,
    zoneout: float,
) -> Noise:
    """Draw the masks for one layer of a cell; with zoneout the cell is a `ZoneoutCell`."""
    batch, time = x_BTD.shape[:2]
    masks, held = [], []
    for _ in range(directions if recurrent_dropout else 0):
        ones_BH = x_BTD.new_ones(batch, hidden_size)
        masks.append(
            {state: dropout(ones_BH, recurrent_dropout, True) for state in multiplied_states(cell)}
        )
    for _ in range(directions if zoneout else 0):
        empty_BTH = x_BTD.new_empty(batch, time, hidden_size, dtype=torch.bool)
        drawn = (torch.empty_like(empty_BTH).bernoulli_(zoneout) for _ in cell.states)
        held.append(dict(zip(map(zoneout_mask_name, cell.states), drawn, strict=True)))
    return Noise(masks, held)


def with_noise(
    cell: Cell,
    x_BTD: Tensor,
    hidden_size: int,
    directions: int,
    recurrent_dropout: float,
    zoneout: float,
    training: bool,
) -> tuple[Cell, Noise | None]:
    """Return the cell to run, with zoneout if set, and the noise drawn for one layer."""
    if not training:
        return ZoneoutCell(cell, zoneout) if zoneout else cell, None
    cell = ZoneoutCell(cell) if zoneout else cell
    if not (recurrent_dropout or zoneout):
        return cell, None
    return cell, draw_noise(cell, x_BTD, hidden_size, directions, recurrent_dropout, zoneout)


def drop_weights(weights: Weights, share: float) -> Weights:
    """Return the weights with a share of each R dropped, one mask for all steps of a call."""
    if not share:
        return weights
    inner_GH = weights.inner_GH
    return weights._replace(
        recurrent=tuple(dropout(r_GH, share, True) for r_GH in weights.recurrent),
        inner_GH=None if inner_GH is None else dropout(inner_GH, share, True),
    )


def multiplied_states(cell: Cell) -> list[str]:
    """Return the states that an R multiplies; inner products count as products of the output."""
    inner = cell.states[:1] if cell.inner_gates else ()
    return list(dict.fromkeys((*(product.state for product in cell.products), *inner)))


def zoneout_mask_name(state: str) -> str:
    """Return the name of the `ZoneoutCell` parameter that holds the mask of a state."""
    return f"zoneout_{state}"


@dataclass(frozen=True)
class ZoneoutCell(Cell):
    """A cell with zoneout: with probability p a unit of a state keeps its previous value.

        s = k s' + (1 - k) new s

    for each state s. In training k is drawn for each unit, state and step; in evaluation k is its
    expectation p. Each new s is computed from the other new states before zoneout.

    Attributes:
        cell: the wrapped cell.
        share: p, in evaluation; None in training, where k is a parameter `zoneout_<state>`.

    Source: Krueger et al. 2017, equations 4 and 5.
    """

    cell: Cell
    share: float | None = None

    def __str__(self) -> str:
        share = "drawn" if self.share is None else self.share
        return f"{self.cell} under zoneout ({share})"

    gates = property(attrgetter("cell.gates"))
    states = property(attrgetter("cell.states"))
    products = property(attrgetter("cell.products"))
    inner_gates = property(attrgetter("cell.inner_gates"))
    has_gate_bias = property(attrgetter("cell.has_gate_bias"))
    initial_states = property(attrgetter("cell.initial_states"))
    untraceable = property(attrgetter("cell.untraceable"))

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """The cell's vectors, and in training the zoneout masks."""
        held = self.cell.states if self.share is None else ()
        return (*self.cell.vectors, *(Vector(zoneout_mask_name(state)) for state in held))

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the values of the cell's step, with zoneout applied to its states."""
        values = dict(self.cell.step(wx, rh, state, unit))
        for name in self.states:
            k = unit[zoneout_mask_name(name)] if self.share is None else self.share
            values[name] = k * state[name] + (1 - k) * values[name]
        return values
