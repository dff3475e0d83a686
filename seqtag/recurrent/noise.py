"""Noise inside the recurrence: dropout on the recurrent state, and zoneout.

B batch, T time, H hidden units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from torch import Tensor

from seqtag.cells import Cell
from seqtag.cells.spec import Product, Values, Vector
from seqtag.recurrent.dropout import dropout, random_mask
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

    def written_into(self, cell: Cell) -> Cell:
        """Return a cell whose step applies all masks; a `ZoneoutCell` applies those of zoneout."""
        return DropoutCell(cell) if self.recurrent else cell

    def as_vectors(
        self, cell: Cell, weights: Sequence[Weights], states: Sequence[Mapping[str, Tensor]]
    ) -> tuple[Cell, list[Weights], list[dict[str, Tensor]]]:
        """Return the arguments of an engine with the noise written into the cell's step.

        The masks are among the vectors, `Weights.unit`.
        """
        all_weights, all_states = [], []
        for d, (weight, state) in enumerate(zip(weights, states, strict=True)):
            masks = {dropout_mask_name(s): m for s, m in self.recurrent_masks(d).items()}
            dropped = {dropped_name(s): state[s] * m for s, m in self.recurrent_masks(d).items()}
            unit = {**weight.unit, **masks, **self.zoneout_masks(d)}
            all_weights.append(weight._replace(unit=unit))
            all_states.append({**state, **dropped})
        return self.written_into(cell), all_weights, all_states


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
        like_BTH = x_BTD.new_empty(()).expand(batch, time, hidden_size)
        drawn = (random_mask(like_BTH, zoneout) for _ in cell.states)
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


def dropout_mask_name(state: str) -> str:
    """Return the name of the `DropoutCell` parameter that holds the mask of a state."""
    return f"dropout_{state}"


def dropped_name(state: str) -> str:
    """Return the name of the copy of a state in `DropoutCell` that R multiplies."""
    return f"dropped_{state}"


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
        masks = (Vector(zoneout_mask_name(state), per="step") for state in held)
        return (*self.cell.vectors, *masks)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the values of the cell's step, with zoneout applied to its states."""
        values = dict(self.cell.step(wx, rh, state, unit))
        for name in self.states:
            k = unit[zoneout_mask_name(name)] if self.share is None else self.share
            values[name] = k * state[name] + (1 - k) * values[name]
        return values


@dataclass(frozen=True)
class DropoutCell(Cell):
    """A cell with recurrent dropout: each R multiplies a state times its mask.

        d = m s     for each state s that an R multiplies

    d is one more state, which R multiplies at the next step; m is a parameter `dropout_<state>`
    with one value per unit and sequence. Inner products multiply by the mask of the output.

    Attributes:
        cell: the wrapped cell.

    Source: Gal & Ghahramani 2016.
    """

    cell: Cell

    def __str__(self) -> str:
        return f"{self.cell} under recurrent dropout"

    gates = property(attrgetter("cell.gates"))
    inner_gates = property(attrgetter("cell.inner_gates"))
    has_gate_bias = property(attrgetter("cell.has_gate_bias"))
    initial_states = property(attrgetter("cell.initial_states"))
    untraceable = property(attrgetter("cell.untraceable"))

    @property
    def states(self) -> tuple[str, ...]:
        """The cell's states, and the copies that R multiplies."""
        return (*self.cell.states, *map(dropped_name, multiplied_states(self.cell)))

    @property
    def products(self) -> tuple[Product, ...]:
        """The cell's products, of the copies."""
        return tuple(p._replace(state=dropped_name(p.state)) for p in self.cell.products)

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """The cell's vectors, and the masks."""
        masks = map(dropout_mask_name, multiplied_states(self.cell))
        return (*self.cell.vectors, *(Vector(name, per="sequence") for name in masks))

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the values of the cell's step, and the copies of its states."""

        def inner(multiply: Any) -> Any:
            mask = unit[dropout_mask_name(self.cell.states[0])]
            return lambda value: multiply(mask * value)

        rh = {**rh, **{gate: inner(rh[gate]) for gate in self.inner_gates}}
        values = dict(self.cell.step(wx, rh, state, unit))
        for name in multiplied_states(self.cell):
            values[dropped_name(name)] = unit[dropout_mask_name(name)] * values[name]
        return values
