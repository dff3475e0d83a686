"""The cpu engine: kernels in C++, generated from a cell's step and compiled at first use.

Cells with a matrix state have a kernel of their own, see `seqtag.recurrent.matrix`.

B batch, T time, D features in, H hidden units, N directions, G gates, R rows: all steps of all
sequences, without padding.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.cells.matrix import MatrixCell
from seqtag.recurrent.compiler.build import BuildError
from seqtag.recurrent.compiler.kernel import Kernel, kernel_of
from seqtag.recurrent.compiler.plan import why_untraceable
from seqtag.recurrent.derivatives import first_derivatives_only, is_differentiated
from seqtag.recurrent.engines.base import (
    Engine,
    LayerCall,
    LayerOutput,
    UnexpectedRefusal,
)
from seqtag.recurrent.engines.matrix import run_kernel, run_matrix
from seqtag.recurrent.engines.tensor_lists import (
    compute_dtype,
    flatten,
    layer_output,
    named_traces,
    split_by_direction,
)
from seqtag.recurrent.matrix.kernel import library
from seqtag.recurrent.matrix.linear import run_linear
from seqtag.recurrent.noise import Noise


class Cpu(Engine):
    """Runs cells whose step can be traced, or whose state is a matrix; needs a C++ compiler."""

    name = "cpu"
    takes_entries = True

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Refuse other devices, untraceable cells and kernels that do not compile."""
        if x_BTD.device.type != "cpu":
            return f"it runs on a CPU, not on {x_BTD.device.type}"
        if isinstance(cell, MatrixCell):
            return _matrix_failure(_dtype_name(compute_dtype(x_BTD.dtype)))
        if noise is not None:
            cell = noise.written_into(cell)
        if reason := why_untraceable(cell):
            return reason
        return _build_failure(cell, _dtype_name(compute_dtype(x_BTD.dtype)), traces)

    def run(self, call: LayerCall) -> LayerOutput:
        """Run all directions in one call of the kernel."""
        if isinstance(call.cell, MatrixCell):
            if call.entries is not None:
                call = call._replace(x_BTD=call.entries.gather(), entries=None)
            return run_matrix(call, run_kernel, run_linear)
        x_BTD, rows_BT = call.x_BTD, None
        if call.entries is not None:
            x_BTD, rows_BT = call.entries.table_UD[None], call.entries.rows_BT
        computed = compute_dtype(x_BTD.dtype)
        cell, weights, states = call.cell, call.weights, call.states
        if call.noise is not None:
            cell, weights, states = call.noise.as_vectors(cell, weights, states)
        kernel = kernel_of(cell, _dtype_name(computed), call.traces)
        tensors = (x_BTD.to(computed), *flatten(cell, weights, states, computed))
        y_BTH, *others = _KernelFunction.apply(
            kernel,
            is_differentiated(tensors),
            (call.padding.batch, call.padding.time),
            call.padding.lengths_B,
            rows_BT,
            len(call.weights),
            *tensors,
        )
        finals = len(weights) * len(cell.states)
        output = layer_output(cell, y_BTH, others[:finals], x_BTD.dtype)
        if not call.traces:
            return output
        traces = named_traces(kernel.plan, call.cell, len(weights), output.y_BTH, others[finals:])
        return output._replace(traces=traces)


@cache
def _build_failure(cell: Cell, dtype: str, traces: bool) -> UnexpectedRefusal | None:
    """Return why the kernel cannot be compiled. Tried only once: failing may take seconds."""
    try:
        kernel_of(cell, dtype, traces)
    except BuildError as error:
        return UnexpectedRefusal(error)
    return None


@cache
def _matrix_failure(dtype: str) -> UnexpectedRefusal | None:
    """Return why the kernel of matrix states cannot be compiled."""
    try:
        library(dtype)
    except BuildError as error:
        return UnexpectedRefusal(error)
    return None


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


class _KernelFunction(torch.autograd.Function):
    """The kernel as an autograd function.

    Returns y, then each direction's final states, then each direction's shown values.
    """

    @staticmethod
    def forward(
        ctx: Any,
        kernel: Kernel,
        keep: bool,
        shape: tuple[int, int],
        lengths_B: Tensor | None,
        rows_BT: Tensor | None,
        directions: int,
        x_BTD: Tensor,
        *tensors: Tensor | None,
    ) -> tuple[Tensor, ...]:
        x_BTD = x_BTD if x_BTD.stride(2) == 1 else x_BTD.contiguous()
        lengths_B = None if lengths_B is None else lengths_B.contiguous()
        tensors = tuple(None if t is None else t.contiguous() for t in tensors)
        per_direction = split_by_direction(tensors, directions)
        plan, (batch, time) = kernel.plan, shape
        hidden = per_direction[0][0].shape[0] // len(plan.cell.gates)
        y_BTH = x_BTD.new_empty(batch, time, directions * hidden)
        finals = [[x_BTD.new_empty(batch, hidden) for _ in plan.states] for _ in per_direction]
        shown = [[x_BTD.new_empty(*shape, hidden) for _ in plan.shown] for _ in per_direction]
        rows = batch * time if lengths_B is None else int(lengths_B.sum())
        kept = [_allocate_kept(kernel, x_BTD, rows, hidden, keep) for _ in per_direction]
        pointers = [
            t
            for direction in zip(per_direction, finals, kept, shown, strict=True)
            for part in direction
            for t in part
        ]
        kernel.forward(x_BTD, y_BTH, lengths_B, directions, pointers, rows_BT)
        if keep:
            ctx.kernel, ctx.directions, ctx.inputs = kernel, directions, len(tensors)
            flat_kept = [t for part in kept for t in part]
            ctx.save_for_backward(x_BTD, y_BTH, lengths_B, *tensors, *flat_kept)
        ctx.set_materialize_grads(False)
        return y_BTH, *(t for part in (*finals, *shown) for t in part)

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, grad_y_BTH: Tensor | None, *grad_others: Tensor | None) -> tuple:
        kernel, directions = ctx.kernel, ctx.directions
        states = len(kernel.plan.states)
        x_BTD, y_BTH, lengths_B, *saved = ctx.saved_tensors
        tensors, kept = saved[: ctx.inputs], saved[ctx.inputs :]
        grad_y_BTH = torch.zeros_like(y_BTH) if grad_y_BTH is None else grad_y_BTH
        grad_y_BTH = grad_y_BTH if grad_y_BTH.stride(2) == 1 else grad_y_BTH.contiguous()
        grad_others = [None if g is None else g.contiguous() for g in grad_others]
        grad_finals, grad_shown = (
            grad_others[: directions * states],
            grad_others[directions * states :],
        )
        needs_x, *needs = ctx.needs_input_grad[6:]
        grad_x_BTD = (
            torch.empty_like(x_BTD, memory_format=torch.contiguous_format) if needs_x else None
        )
        grads = [
            torch.empty_like(t) if need and t is not None else None
            for t, need in zip(tensors, needs, strict=True)
        ]
        pointers = []
        for values, value_grads, final_grads, buffers, shown_grads in zip(
            *(
                split_by_direction(part, directions)
                for part in (tensors, grads, grad_finals, kept, grad_shown)
            ),
            strict=True,
        ):
            initial = value_grads[-states:]
            pointers += [*values, *final_grads, *buffers, *shown_grads]
            pointers += [*initial, *value_grads[:-states]]
        kernel.backward(x_BTD, y_BTH, grad_y_BTH, grad_x_BTD, lengths_B, directions, pointers)
        return *(None,) * 6, grad_x_BTD, *grads


def _allocate_kept(
    kernel: Kernel, x_BTD: Tensor, rows: int, hidden: int, keep: bool
) -> list[Tensor | None]:
    """Return buffers, by row, for what the backward pass reads.

    These are kept values, scalars, the states except the output, and operands of inner products.
    """
    plan, padded = kernel.plan, kernel.padded(hidden)
    if not keep:
        return [None] * (1 + len(plan.states) + len(plan.operands))
    values = x_BTD.new_empty(rows, padded * len(plan.kept))
    scalars = x_BTD.new_empty(rows, len(plan.forward.scalars))
    paths = [
        x_BTD.new_empty(rows, padded) if plan.is_stored(name) else None
        for name in plan.cell.states[1:]
    ]
    return [values, scalars, *paths, *(x_BTD.new_empty(rows, padded) for _ in plan.operands)]
