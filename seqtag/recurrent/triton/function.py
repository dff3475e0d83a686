"""The Triton kernel as an autograd function.

T time, B batch, D features in, N directions, H hidden units, G gates, S states, P blocks of
recurrent matrices, C columns of a buffer. Inside, tensors are time first: (T, B, N, ...).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqtag.recurrent.compiler.plan import Plan
from seqtag.recurrent.derivatives import first_derivatives_only
from seqtag.recurrent.triton import host
from seqtag.recurrent.triton import weight_gradients as of_slots
from seqtag.recurrent.triton.kernel import TritonKernel, pack
from seqtag.recurrent.triton.shapes import choose_shape


class LayerFunction(torch.autograd.Function):
    """All steps of a layer.

    Returns y (T, B, N, H), final states (B, N, S, H) and the values that the step shows
    (T, B, N, C, H), in float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        kernel: TritonKernel,
        keep: bool,
        dtype: torch.dtype,
        lengths_B: Tensor | None,
        directions: int,
        x_BTD: Tensor,
        *tensors: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run all steps.

        Args:
            ctx: for the backward pass.
            kernel: the cell's kernel.
            keep: whether a backward pass follows.
            dtype: the dtype of products.
            lengths_B: None if no sequence is padded.
            directions: N.
            x_BTD: inputs.
            tensors: those of `flatten`, in float32.
        """
        plan = kernel.plan
        layout = kernel.forward if keep else kernel.inference
        sides = host.sides_of(plan, tensors, directions)
        x_TBD = host.time_first(x_BTD, lengths_B, dtype)
        time, batch, _ = x_TBD.shape
        if lengths_B is None:
            lengths_B = torch.full((batch,), time, device=x_BTD.device)
        lengths_B = lengths_B.to(torch.int32)
        w_GD = torch.cat([side.input_GD for side in sides]).to(dtype)
        r_NPHH = host.blocks_of_sides(sides).to(dtype)
        initial_BNSH = host.states_of(sides)
        hidden = initial_BNSH.shape[-1]
        rows = (time if keep else 1, batch, directions)
        kept_for_backward = {
            **host.vectors_of(plan, sides, time),
            **host.paths_of(plan, initial_BNSH, time, keep),
            "kept": x_TBD.new_empty(*rows, len(plan.kept) if keep else 0, hidden),
            "operand": initial_BNSH.new_zeros(*rows, len(plan.operands), hidden),
        }
        buffers = {
            **kept_for_backward,
            "shown": initial_BNSH.new_zeros(time, *rows[1:], len(plan.shown), hidden),
            "input": host.inputs_of(x_TBD, w_GD, sides),
            "final": initial_BNSH.clone(),
            "between": initial_BNSH.new_empty(*rows[1:], layout.buffers["between"], hidden),
        }
        saved = initial_BNSH.new_empty(*rows, layout.program.saved)
        shape = choose_shape(layout.program, batch, directions, hidden, dtype, x_TBD.device)
        kernel.launch(layout, shape, buffers, pack(r_NPHH, shape), saved, lengths_B, time)
        if keep:
            ctx.kernel, ctx.names = kernel, tuple(kept_for_backward)
            others = kept_for_backward.values()
            ctx.save_for_backward(x_TBD, lengths_B, w_GD, r_NPHH, initial_BNSH, saved, *others)
        ctx.set_materialize_grads(False)
        y_TBNH = buffers[f"path {plan.cell.states[0]}"][:time, :, :, 0]
        return y_TBNH, buffers["final"], buffers["shown"]

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run all steps backwards, then compute the gradients of weights."""
        kernel, plan, layout = ctx.kernel, ctx.kernel.plan, ctx.kernel.backward
        x_TBD, lengths_B, w_GD, r_NPHH, initial_BNSH, saved, *others = ctx.saved_tensors
        time, batch, _ = x_TBD.shape
        _, directions, states, hidden = initial_BNSH.shape
        rows = (time, batch, directions)
        buffers = dict(zip(ctx.names, others, strict=True))
        shape = choose_shape(layout.program, batch, directions, hidden, r_NPHH.dtype, x_TBD.device)

        def arriving(gradient: Tensor | None, *size: int) -> Tensor:
            zeros = initial_BNSH.new_zeros(*size, hidden)
            return zeros if gradient is None else zeros.copy_(gradient)

        widths, tiles = layout.buffers, -(-batch // shape.rows)
        buffers |= {
            "output": arriving(grads[0], *rows),
            "carry": arriving(grads[1], *rows[1:], states),
            "shown": arriving(grads[2], *rows, len(plan.shown)),
            "slot": x_TBD.new_zeros(*rows, len(plan.slots), hidden),
            "vector": initial_BNSH.new_zeros(tiles, directions, widths["vector"], hidden),
            "between": initial_BNSH.new_empty(*rows[1:], widths["between"], hidden),
        }
        matrices = pack(r_NPHH.transpose(2, 3), shape)
        kernel.launch(layout, shape, buffers, matrices, saved, lengths_B, time)

        found = _gradients(plan, buffers, x_TBD, lengths_B, w_GD, r_NPHH, initial_BNSH)
        grads = [
            gradient.float() if needed and gradient is not None else None
            for gradient, needed in zip(found, ctx.needs_input_grad[6:], strict=True)
        ]
        grad_x_BTD = None
        if ctx.needs_input_grad[5]:
            grad_x_BTD = of_slots.gradient_of_x(plan, buffers["slot"], w_GD).transpose(0, 1)
        return *(None,) * 5, grad_x_BTD, *grads


def _gradients(
    plan: Plan,
    buffers: Mapping[str, Tensor],
    x_TBD: Tensor,
    lengths_B: Tensor,
    w_GD: Tensor,
    r_NPHH: Tensor,
    initial_BNSH: Tensor,
) -> list[Tensor | None]:
    """Return the gradients of all tensors of all directions; None for masks."""
    slot_TBNKH, vectors_NCH = buffers["slot"], buffers["vector"].sum(0)
    inputs = of_slots.gradient_of_w(plan, slot_TBNKH, x_TBD)
    biases = of_slots.gradient_of_bias(plan, slot_TBNKH)
    found: list[Tensor | None] = []
    for d in range(len(r_NPHH)):
        slot_TBKH, initial_BSH = slot_TBNKH[:, :, d], initial_BNSH[:, d]
        first_BKH = of_slots.first_slots(slot_TBKH, lengths_B, backwards=d == 1)
        units = iter(vectors_NCH[d])
        found += [inputs[d], biases[d]]
        found += of_slots.gradients_of_recurrent(
            plan, slot_TBKH, initial_BSH, buffers, first_BKH, d
        )
        found += [next(units) if v.per == "unit" else None for v in plan.cell.vectors]
        found += of_slots.gradients_of_states(
            plan, buffers["carry"][:, d], r_NPHH[d], first_BKH, lengths_B
        )
    return found
