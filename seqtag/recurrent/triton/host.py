"""Builds the kernel's buffers from the tensors of a layer: see `program.py` for their names.

T time, B batch, D features in, N directions, H hidden units, G gates, S states, P blocks of
recurrent matrices.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seqtag.recurrent.compiler.plan import Plan
from seqtag.recurrent.triton.program import is_whole


class Side(NamedTuple):
    """The tensors of one direction, as `flatten` of `tensor_lists.py` lists them.

    recurrent: R of each product, then of each inner gate.
    vectors: one for each of the cell's vectors; None for an absent bias.
    """

    input_GD: Tensor
    bias_G: Tensor | None
    recurrent: Sequence[Tensor]
    vectors: Sequence[Tensor | None]
    states: Sequence[Tensor]


def sides_of(plan: Plan, tensors: Sequence[Tensor | None], directions: int) -> list[Side]:
    """Return the tensors of each direction from one list."""
    size = len(tensors) // directions
    first = 2 + len(plan.cell.products) + len(plan.operands)
    last = size - len(plan.states)
    parts = (tensors[d * size : (d + 1) * size] for d in range(directions))
    return [Side(part[0], part[1], part[2:first], part[first:last], part[last:]) for part in parts]


def time_first(x_BTD: Tensor, lengths_B: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Return x as (T, B, D), 0 after the end."""
    x_TBD = x_BTD.to(dtype).transpose(0, 1)
    if lengths_B is not None:
        steps_T = torch.arange(len(x_TBD), device=x_BTD.device)
        x_TBD = x_TBD.masked_fill((steps_T[:, None] >= lengths_B)[..., None], 0.0)
    return x_TBD.contiguous()


def inputs_of(x_TBD: Tensor, w_GD: Tensor, sides: Sequence[Side]) -> Tensor:
    """Return W x + b of all directions, (T, B, N*G*H)."""
    x_RD = x_TBD.flatten(0, 1)
    if sides[0].bias_G is None:
        return x_RD @ w_GD.t()
    bias_G = torch.cat([side.bias_G for side in sides if side.bias_G is not None])
    return torch.addmm(bias_G.to(x_RD.dtype), x_RD, w_GD.t())


def blocks_of_sides(sides: Sequence[Side]) -> Tensor:
    """Return the blocks of all recurrent matrices, (N, P, H, H)."""
    hidden = sides[0].states[0].shape[1]
    none = sides[0].states[0].new_empty(0, hidden)
    matrices = [torch.cat([none, *side.recurrent]) for side in sides]
    return torch.stack(matrices).view(len(sides), -1, hidden, hidden)


def states_of(sides: Sequence[Side]) -> Tensor:
    """Return the initial states, (B, N, S, H)."""
    return torch.stack([torch.stack(tuple(side.states), dim=1) for side in sides], dim=1)


def vectors_of(plan: Plan, sides: Sequence[Side], time: int) -> dict[str, Tensor]:
    """Return the buffers of the cell's vectors and masks."""
    like_BH = sides[0].states[0]
    batch, hidden = like_BH.shape
    shapes = {"unit": (hidden,), "sequence": (batch, hidden), "step": (batch, time, hidden)}
    buffers = {}
    for per, shape in shapes.items():
        parts = []
        for side in sides:
            named = zip(plan.cell.vectors, side.vectors, strict=True)
            values = [value for vector, value in named if vector.per == per]
            absent = like_BH.new_zeros(shape)
            own = [absent if value is None else value for value in values]
            parts.append(torch.stack(own, -2) if own else like_BH.new_empty(*shape[:-1], 0, hidden))
        stacked = torch.stack(parts, -3)  # (..., N, number, H)
        buffers[per] = stacked.transpose(0, 1).contiguous() if per == "step" else stacked
    return buffers


def paths_of(plan: Plan, initial_BNSH: Tensor, time: int, keep: bool) -> dict[str, Tensor]:
    """Return the buffers of states, (T + 1 or 2, B, N, 1, H), with the initial states."""
    batch, directions, _, hidden = initial_BNSH.shape
    buffers = {}
    for i, name in enumerate(plan.states):
        rows = time + 1 if is_whole(plan, name, keep) else 2
        path = initial_BNSH.new_zeros(rows, batch, directions, 1, hidden)
        path[-1, :, :, 0] = initial_BNSH[:, :, i]
        buffers[f"path {name}"] = path
    return buffers
