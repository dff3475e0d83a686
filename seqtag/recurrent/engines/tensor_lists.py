"""Weights and states as one flat list of tensors, as autograd functions take them.

B batch, T time, H hidden units, N directions.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.plan import Plan
from seqtag.recurrent.engines.base import LayerOutput, States
from seqtag.recurrent.parameters import Weights


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype that an engine computes in: float32 for bfloat16 and float16."""
    return torch.float32 if dtype in (torch.bfloat16, torch.float16) else dtype


def flatten(
    cell: Cell, weights: Sequence[Weights], states: Sequence[States], dtype: torch.dtype
) -> list[Tensor | None]:
    """Return W, b, each R, the vectors and the initial states of each direction, in one list.

    After the R of the cell's products comes one for each inner gate.
    """
    flat: list[Tensor | None] = []
    for weight, state in zip(weights, states, strict=True):
        inner = () if weight.inner_GH is None else weight.inner_GH.chunk(len(cell.inner_gates))
        units = (weight.unit.get(vector.name) for vector in cell.vectors)
        initial = (state[name] for name in cell.states)
        flat += [weight.input_GD, weight.bias_G, *weight.recurrent, *inner, *units, *initial]
    return [None if tensor is None else tensor.to(dtype) for tensor in flat]


def split_by_direction(flat: Sequence[Any], directions: int) -> list[Sequence[Any]]:
    """Split a list into one part of equal size per direction."""
    size = len(flat) // directions
    return [flat[d * size : (d + 1) * size] for d in range(directions)]


def layer_output(
    cell: Cell, y_BTH: Tensor, finals: Sequence[Tensor], dtype: torch.dtype
) -> LayerOutput:
    """Return an engine's result from y and the final states, direction by direction."""
    finals = [final.to(dtype) for final in finals]
    sides = split_by_direction(finals, len(finals) // len(cell.states))
    return LayerOutput(
        y_BTH.to(dtype), [dict(zip(cell.states, side, strict=True)) for side in sides]
    )


def named_traces(
    plan: Plan, cell: Cell, directions: int, y_BTH: Tensor, shown: Sequence[Tensor]
) -> list[dict[str, Tensor]]:
    """Return the traces of each direction, in the order in which the step returns its values.

    Args:
        plan: the plan that has run, whose cell may have further states for noise.
        cell: the cell without them.
        directions: N.
        y_BTH: the output of all directions.
        shown: the values that the plan shows, direction by direction.
    """
    sides = zip(y_BTH.chunk(directions, dim=2), split_by_direction(shown, directions), strict=True)
    added = {*plan.states} - {*cell.states}
    traces = []
    for own_BTH, values in sides:
        named = dict(zip(plan.shown, (value.to(y_BTH.dtype) for value in values), strict=True))
        names = (name for name in plan.values if name not in added)
        traces.append({name: named.get(name, own_BTH) for name in names})
    return traces
