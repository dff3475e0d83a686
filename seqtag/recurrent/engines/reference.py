"""The reference engine: a plain loop over a cell's step under autograd. It defines the results.

B batch, T time, D features in, H hidden units, G gates.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from seqtag.cells import Cell
from seqtag.cells.matrix import MatrixCell
from seqtag.recurrent.engines.base import Engine, LayerCall, LayerOutput, States, Traces
from seqtag.recurrent.engines.matrix import run_matrix, run_steps
from seqtag.recurrent.noise import Noise
from seqtag.recurrent.padding import Padding
from seqtag.recurrent.parameters import Weights


class Reference(Engine):
    """Runs every cell on every device, with traces."""

    name = "reference"

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Return None: this engine runs every cell."""
        return None

    def run(self, call: LayerCall) -> LayerOutput:
        """Run one direction after the other."""
        if isinstance(call.cell, MatrixCell):
            return run_matrix(call, run_steps)
        cell, x_BTD, padding = call.cell, call.x_BTD, call.padding
        if padding.ragged:
            x_BTD = x_BTD.masked_fill(padding.outside_TB.T[..., None], 0.0)
        noise = call.noise or Noise()
        finals, values = [], []
        for d, (weight, state) in enumerate(zip(call.weights, call.states, strict=True)):
            masks = noise.recurrent_masks(d), noise.zoneout_masks(d)
            final, trace = _loop(cell, x_BTD, weight, state, padding, masks, backwards=d == 1)
            finals.append(final)
            values.append(trace)
        y_BTH = torch.cat([trace[cell.states[0]] for trace in values], dim=-1)
        return LayerOutput(y_BTH, finals, values if call.traces else ())


Masks = Mapping[str, Tensor]


def _loop(
    cell: Cell,
    x_BTD: Tensor,
    weight: Weights,
    state: States,
    padding: Padding,
    masks: tuple[Masks, Masks],
    backwards: bool,
) -> tuple[States, Traces]:
    wx_BTG = linear(x_BTD, weight.input_GD, weight.bias_G)
    unit = weight.unit_of(cell)
    dropped, held = masks
    if padding.time == 0:
        return state, _no_steps(cell, wx_BTG, weight, state)
    steps: list[dict[str, Tensor]] = []
    times = range(padding.time)
    for t in reversed(times) if backwards else times:
        wx = _blocks(wx_BTG[:, t], cell.gates)
        unit |= {name: mask_BTH[:, t].to(wx_BTG.dtype) for name, mask_BTH in held.items()}
        values = cell.step(wx, _recurrent(cell, weight, state, dropped), state, unit)
        # A sequence that has ended (read backwards: not begun) keeps its state; its trace is 0.
        state = {name: padding.keep_ended(t, values[name], state[name]) for name in cell.states}
        steps.append(
            {name: padding.keep_ended(t, v, torch.zeros_like(v)) for name, v in values.items()}
        )
    if backwards:
        steps.reverse()
    return state, {name: torch.stack([s[name] for s in steps], dim=1) for name in steps[0]}


def _recurrent(cell: Cell, weight: Weights, state: States, dropped: Masks) -> dict[str, Any]:
    """Return R s' by gate, summed over products; for inner gates, functions that multiply by R."""
    sums: dict[str, Any] = {}
    for product, matrix_GH in zip(cell.products, weight.recurrent, strict=True):
        value_BH = _drop(state[product.state], dropped.get(product.state))
        parts = _blocks(linear(value_BH, matrix_GH), product.gates)
        sums |= {gate: sums[gate] + part if gate in sums else part for gate, part in parts.items()}
    if weight.inner_GH is not None:
        # The step computes the argument from the output, so it gets the output's mask.
        mask_BH = dropped.get(cell.states[0])
        for gate, matrix_HH in _blocks(weight.inner_GH.T, cell.inner_gates).items():
            sums[gate] = partial(_multiply, matrix_HH, mask_BH)
    return sums


def _multiply(matrix_HH: Tensor, mask_BH: Tensor | None, value_BH: Tensor) -> Tensor:
    return _drop(value_BH, mask_BH) @ matrix_HH


def _drop(value_BH: Tensor, mask_BH: Tensor | None) -> Tensor:
    return value_BH if mask_BH is None else value_BH * mask_BH


def _blocks(a: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Split the last axis into a block of H for each name."""
    return dict(zip(names, a.chunk(len(names), dim=-1), strict=True))


def _no_steps(cell: Cell, wx_BTG: Tensor, weight: Weights, state: States) -> Traces:
    """Return the values of the step with T = 0, still connected to the weights for autograd."""
    none = {name: s[:, None][:, :0] for name, s in state.items()}
    rh = _recurrent(cell, weight, none, {})
    return cell.step(_blocks(wx_BTG, cell.gates), rh, none, weight.unit_of(cell))
