"""The loop engine: torch operations that write in place, step by step, and their derivative.

It interprets a cell's plan, so it runs every cell that can be traced, on every device, without a
compiler. One autograd function covers all steps and directions.

B batch, T time, D features in, H hidden units, N directions, G gates, S slots, R rows: all steps
of all sequences, without padding, by step, longest sequence first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.plan import why_not_elementwise
from seqtag.recurrent.derivatives import first_derivatives_only
from seqtag.recurrent.engines.base import Engine, LayerCall, LayerOutput
from seqtag.recurrent.engines.loop.direction import (
    DirectionCall,
    Gradients,
    KeptValues,
    backward,
    forward,
)
from seqtag.recurrent.engines.loop.layout import Layout, layout_of
from seqtag.recurrent.engines.loop.rows import Rows
from seqtag.recurrent.engines.tensor_lists import (
    compute_dtype,
    flatten,
    layer_output,
    split_by_direction,
)
from seqtag.recurrent.noise import Noise
from seqtag.recurrent.padding import Padding


class Loop(Engine):
    """Runs every cell whose step is elementwise, on every device."""

    name = "loop"

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Refuse traces, and cells whose step is not elementwise."""
        return "its loop gives no traces" if traces else why_not_elementwise(cell)

    def run(self, call: LayerCall) -> LayerOutput:
        """Run one direction after the other."""
        noise, computed = call.noise or Noise(), compute_dtype(call.x_BTD.dtype)
        masks = []
        for d in range(len(call.weights)):
            recurrent, held = noise.recurrent_masks(d), noise.zoneout_masks(d)
            masks.append({name: mask.to(computed) for name, mask in recurrent.items()})
            masks[d] |= {name: mask.to(computed) for name, mask in held.items()}
        tensors = flatten(call.cell, call.weights, call.states, computed)
        y_BTH, *finals = _LoopFunction.apply(
            layout_of(call.cell), call.padding, masks, call.x_BTD.to(computed), *tensors
        )
        return layer_output(call.cell, y_BTH, finals, call.x_BTD.dtype)


def _direction_call(
    layout: Layout, rows: Rows, flat: Sequence[Any], masks: Mapping[str, Tensor]
) -> DirectionCall:
    """Return the arguments of one direction from its part of the list of `flatten`."""
    cell = layout.plan.cell
    products, units = len(cell.products), len(cell.vectors)
    input_GD, bias_G, *rest = flat
    names = (vector.name for vector in cell.vectors)
    unit = dict(zip(names, rest[products : products + units], strict=True))
    initial = zip(cell.states, rest[products + units :], strict=True)
    return DirectionCall(
        layout=layout,
        rows=rows,
        input_GD=input_GD,
        bias_G=bias_G,
        recurrent=rest[:products],
        unit={name: value for name, value in unit.items() if value is not None}
        | {name: rows.gather(mask) for name, mask in masks.items() if mask.dim() == 3},
        initial={name: rows.by_rank(value) for name, value in initial},
        masks={name: rows.by_rank(mask) for name, mask in masks.items() if mask.dim() == 2},
    )


class _LoopFunction(torch.autograd.Function):
    """All steps and directions as an autograd function: returns y, then all final states."""

    @staticmethod
    def forward(
        ctx: Any,
        layout: Layout,
        padding: Padding,
        masks: Sequence[Mapping[str, Tensor]],
        x_BTD: Tensor,
        *tensors: Tensor | None,
    ) -> tuple[Tensor, ...]:
        keep = any(ctx.needs_input_grad)
        cell, directions = layout.plan.cell, len(masks)
        ctx.rows = [Rows(padding, backwards=d == 1) for d in range(directions)]
        y_BTH, finals, saved = None, [], []
        with torch.autocast(x_BTD.device.type, enabled=False):
            for d, (rows, flat) in enumerate(
                zip(ctx.rows, split_by_direction(tensors, directions), strict=True)
            ):
                direction = _direction_call(layout, rows, flat, masks[d])
                path_PH, ends, kept = forward(direction, rows.gather(x_BTD), keep)
                y_BTH = _write_output(y_BTH, path_PH, rows, d, directions)
                finals += [ends[name] for name in cell.states]
                saved += [kept.slots, *kept.extra, *(kept.paths.get(n) for n in cell.states)]
        if keep:
            ctx.layout, ctx.masks, ctx.flat = layout, masks, len(tensors)
            ctx.save_for_backward(x_BTD, *tensors, *saved)
        ctx.set_materialize_grads(False)
        return y_BTH, *finals

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, grad_y_BTH: Tensor | None, *grad_finals: Tensor | None) -> tuple:
        layout, directions = ctx.layout, len(ctx.masks)
        x_BTD, *saved = ctx.saved_tensors
        tensors, kept = saved[: ctx.flat], saved[ctx.flat :]
        needs_x, *needs = ctx.needs_input_grad[3:]
        grad_x_BTD, grads = None, []
        parts = (
            split_by_direction(part, directions) for part in (tensors, kept, grad_finals, needs)
        )
        with torch.autocast(x_BTD.device.type, enabled=False):
            for d, (flat, kept_tensors, final_grads, needed) in enumerate(zip(*parts, strict=True)):
                gradients = _backward(
                    _direction_call(layout, ctx.rows[d], flat, ctx.masks[d]),
                    x_BTD,
                    kept_tensors,
                    None if grad_y_BTH is None else grad_y_BTH.chunk(directions, dim=2)[d],
                    final_grads,
                    (needs_x, *needed),
                )
                grads += _flat_gradients(layout.plan.cell, ctx.rows[d], gradients, needed)
                if needs_x:
                    more_BTD = _from_rows(gradients.x_RD, ctx.rows[d])
                    grad_x_BTD = more_BTD if grad_x_BTD is None else grad_x_BTD.add_(more_BTD)
        return None, None, None, grad_x_BTD, *grads


def _backward(
    direction: DirectionCall,
    x_BTD: Tensor,
    kept_tensors: Sequence[Tensor | None],
    grad_y_BTH: Tensor | None,
    grad_finals: Sequence[Tensor | None],
    needs: Sequence[bool],
) -> Gradients:
    layout, rows = direction.layout, direction.rows
    cell = layout.plan.cell
    extra = layout.forward.extra
    paths = zip(cell.states, kept_tensors[1 + extra :], strict=True)
    kept = KeptValues(
        kept_tensors[0],
        list(kept_tensors[1 : 1 + extra]),
        {n: p for n, p in paths if p is not None},
    )
    grad_y_PH = x_BTD.new_zeros(rows.batch + rows.total, direction.hidden)
    if grad_y_BTH is not None:
        torch.index_select(grad_y_BTH.flatten(0, 1), 0, rows.index_R, out=grad_y_PH[rows.batch :])
    if grad_finals[0] is not None:
        grad_y_PH.index_add_(0, rows.last_B, grad_finals[0])
    none_BH = x_BTD.new_zeros(rows.batch, direction.hidden)
    ends = {
        name: none_BH if grad is None else rows.by_rank(grad)
        for name, grad in zip(cell.states, grad_finals, strict=True)
    }
    needs_initial = any(needs[-len(cell.states) :])
    return backward(direction, rows.gather(x_BTD), kept, grad_y_PH, ends, needs[0], needs_initial)


def _flat_gradients(
    cell: Cell, rows: Rows, gradients: Gradients, needed: Sequence[bool]
) -> list[Tensor | None]:
    """Return the needed gradients in the order of `flatten`, those of states in batch order."""
    grads = [
        gradients.input_GD,
        gradients.bias_G,
        *gradients.recurrent,
        *(gradients.unit.get(vector.name) for vector in cell.vectors),
        *(rows.to_batch(gradients.initial[name]) for name in cell.states),
    ]
    return [grad if need else None for grad, need in zip(grads, needed, strict=True)]


def _write_output(
    y_BTH: Tensor | None, path_PH: Tensor, rows: Rows, direction: int, directions: int
) -> Tensor:
    """Write a direction's outputs into y, 0 after the end."""
    # A copy, not a view of kept values: callers may write to outputs.
    hidden, y_RH = path_PH.shape[1], path_PH[rows.batch :]
    if y_BTH is None:
        y_BTH = y_RH.new_zeros(rows.batch, rows.time, directions * hidden)
    columns = slice(direction * hidden, (direction + 1) * hidden)
    y_BTH.flatten(0, 1)[:, columns].index_copy_(0, rows.index_R, y_RH)
    return y_BTH


def _from_rows(x_RD: Tensor, rows: Rows) -> Tensor:
    """Return the rows as (B, T, D), 0 after the end."""
    x_XD = x_RD.new_zeros(rows.batch * rows.time, x_RD.shape[1])
    return x_XD.index_copy_(0, rows.index_R, x_RD).view(rows.batch, rows.time, -1)
