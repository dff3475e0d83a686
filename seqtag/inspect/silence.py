"""Silenced units: what other units, layers and the decoder read of them is a constant.

H hidden units.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar

import torch
from torch import nn

from seqtag.cells import Cell
from seqtag.cells.matrix import MatrixCell
from seqtag.cells.spec import Product, Values, Vector
from seqtag.errors import InputError
from seqtag.inspect.trace import check_layer
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.parameters import Direction
from seqtag.tagging.tagger import Tagger


@dataclass(frozen=True)
class SilencedCell(Cell):
    """A cell in which R, later layers and the decoder read `read_s` in place of each state s.

        read_s = keep_s s + fill_s

    keep is 0 for a silenced unit and 1 for others; fill is the constant that is read of a silenced
    unit and 0 for others. The states themselves are kept: a silenced unit still carries its own
    memory from step to step, but no other unit sees it. The cell's output is `read_s` of its first
    state. The argument of an inner product is multiplied by keep of the output.

    Attributes:
        cell: the wrapped cell.
    """

    cell: Cell

    def __str__(self) -> str:
        return f"{self.cell} with silenced units"

    gates = property(attrgetter("cell.gates"))
    inner_gates = property(attrgetter("cell.inner_gates"))
    has_gate_bias = property(attrgetter("cell.has_gate_bias"))
    untraceable = property(attrgetter("cell.untraceable"))
    counts_steps = property(attrgetter("cell.counts_steps"))

    @property
    def initial_states(self) -> Mapping[str, float]:
        """The cell's initial states, which are also what is read of them at the first step."""
        own = self.cell.initial_states
        return {**own, **{_read(name): own[name] for name in self.read if name in own}}

    @property
    def read(self) -> tuple[str, ...]:
        """The states that others read: the output, and those that an R multiplies."""
        states = (self.cell.states[0], *(product.state for product in self.cell.products))
        return tuple(dict.fromkeys(states))

    @property
    def states(self) -> tuple[str, ...]:
        """What is read of the states, the output first, and the cell's states."""
        return (*map(_read, self.read), *self.cell.states)

    @property
    def products(self) -> tuple[Product, ...]:
        """The cell's products, of what is read."""
        return tuple(p._replace(state=_read(p.state)) for p in self.cell.products)

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """The cell's vectors, and keep and fill of each state that is read."""
        own = (Vector(name) for state in self.read for name in (_keep(state), _fill(state)))
        return (*self.cell.vectors, *own)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the values of the cell's step, and what is read of its states."""
        keep = unit[_keep(self.cell.states[0])]
        inner = {gate: _masked(rh[gate], keep) for gate in self.inner_gates}
        values = dict(self.cell.step(wx, {**rh, **inner}, state, unit))
        read = {
            _read(name): unit[_keep(name)] * values[name] + unit[_fill(name)] for name in self.read
        }
        return {**read, **values}


def silenced(
    tagger: Tagger,
    layer: str,
    units: Sequence[int],
    fill: Mapping[str, Sequence[float]] | None = None,
) -> Tagger:
    """Return a tagger in which some units of a layer are silenced; the given one is not changed.

    Whatever reads the output of such a unit, or another of its states through R, reads a constant
    (after Lakretz et al. 2019, who set the weights that read a unit to 0).

        silenced(tagger, "l0.fwd", [12, 40]).predict([["The", "king", "slept", "."]])

    Args:
        tagger: a tagger with a recurrent encoder.
        layer: the layer and direction, such as ``l0.fwd``.
        units: the numbers of the units, from 0.
        fill: the constant of every unit of the layer (H), by state; None: 0.

    Raises:
        InputError: for an encoder of another kind, an unknown layer, or units that `check_units`
            refuses.
    """
    encoder = tagger.network.recurrent
    check_layer(encoder, layer)
    check_units(units, encoder.hidden_size)
    network: TaggerNetwork = copy.deepcopy(tagger.network)
    encoder = network.recurrent
    cell = encoder.cell
    encoder.cell = _silenced_matrix(cell) if isinstance(cell, MatrixCell) else SilencedCell(cell)
    for index, directions in enumerate(encoder.layers):
        for way in encoder.directions:
            direction = directions[way]
            is_chosen = layer == f"l{index}.{way}"
            _add_constants(direction, encoder.cell, units if is_chosen else (), fill or {})
            direction.cell = encoder.cell
    changed = copy.copy(tagger)
    changed.network = network.eval()
    return changed


def check_units(units: Sequence[int], hidden_size: int) -> None:
    """Raise InputError unless units are different, exist, and are neither none nor all of a layer.

    Args:
        units: numbers of units, from 0.
        hidden_size: the number of units of the layer.
    """
    if not units:
        raise InputError("no unit to silence is given: give one number at least")
    if len(set(units)) < len(units):
        raise InputError(f"units to silence: {_first_repeated(units)} is given twice")
    for unit in units:
        if not 0 <= unit < hidden_size:
            raise InputError(
                f"unit {unit}: the layer has {hidden_size} units, 0 to {hidden_size - 1}"
            )
    if len(units) == hidden_size:
        raise InputError(
            f"all {hidden_size} units of the layer would be silenced: nothing of the sentence is "
            "left, and every random group of that size is the same; give fewer units"
        )


def _first_repeated(units: Sequence[int]) -> int:
    return next(unit for place, unit in enumerate(units) if unit in units[:place])


def _silenced_matrix(cell: MatrixCell) -> MatrixCell:
    """Return a cell with a matrix state whose output is keep h + fill; no step reads h."""
    kind: Any = type(cell)

    class SilencedMatrixCell(kind):
        read: ClassVar[tuple[str, ...]] = ("h",)

        @property
        def vectors(self) -> tuple[Vector, ...]:
            return (*cell.vectors, Vector(_keep("h")), Vector(_fill("h")))

        def finish(self, output: Any, values: Values, unit: Values) -> Any:
            return self._silence(cell.finish(output, values, unit), unit)

        def advance_all(self, wx: Values, unit: Values, state: Values, kernel: Any) -> Any:
            h, states = cell.advance_all(wx, unit, state, kernel)
            return self._silence(h, unit), states

        def _silence(self, h: Any, unit: Values) -> Any:
            return unit[_keep("h")] * h + unit[_fill("h")]

    return SilencedMatrixCell(**{field.name: getattr(cell, field.name) for field in fields(cell)})


def _add_constants(
    direction: Direction,
    cell: Any,
    units: Sequence[int],
    fill: Mapping[str, Sequence[float]],
) -> None:
    """Add keep and fill to the parameters of a direction."""
    for state in cell.read:
        like_H = direction.weight_input.new_zeros(direction.hidden_size)
        chosen_H = torch.zeros_like(like_H, dtype=torch.bool)
        chosen_H[list(units)] = True
        constant_H = like_H if state not in fill else like_H.new_tensor(fill[state])
        values = {_keep(state): (~chosen_H).to(like_H), _fill(state): constant_H * chosen_H}
        for name, value_H in values.items():
            direction.register_parameter(name, nn.Parameter(value_H, requires_grad=False))
            direction.vectors = {**direction.vectors, name: 0.0}


def _masked(multiply: Any, keep: Any) -> Any:
    """Return the function `multiply` of an inner product, of its argument times `keep`."""
    return lambda value: multiply(keep * value)


def _read(state: str) -> str:
    return f"read_{state}"


def _keep(state: str) -> str:
    return f"keep_{state}"


def _fill(state: str) -> str:
    return f"fill_{state}"
