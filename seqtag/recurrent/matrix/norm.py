"""The norm with a gate as an autograd function on the compiled kernel.

T time, B batch, A groups, E features of a group, H hidden units.
"""

from typing import Any

import torch
from torch import Tensor

from seqtag.cells.linear import GatedNorm
from seqtag.recurrent.derivatives import first_derivatives_only
from seqtag.recurrent.matrix.kernel import Arguments, unit_stride


def run_gated_norm(x: Tensor, norm: GatedNorm) -> Tensor:
    """Return h (T, B, H), see `MatrixKernel.gated_norm`; in memory it is (B, T, H)."""
    x = x.reshape(norm.gate.shape)
    options = (norm.activation, norm.center, norm.first)
    return _GatedNorm.apply(options, x, norm.gate, norm.more, norm.gain)


class _GatedNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        options: tuple[str, bool, bool],
        x: Tensor,
        gate: Tensor,
        more: Tensor | None,
        gain: Tensor,
    ) -> Tensor:
        x, gate = unit_stride(x), unit_stride(gate)
        more = None if more is None else unit_stride(more)
        time, batch, *group = x.shape
        h = x.new_empty(batch, time, gain.numel()).transpose(0, 1)
        inputs = (x, gate, more, gain.contiguous())
        _arguments(options, inputs, h.view(time, batch, *group), None).call("gated_norm_forward", x)
        ctx.options = options
        ctx.save_for_backward(*inputs)
        return h

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, grad_h: Tensor) -> tuple:
        inputs = ctx.saved_tensors
        x = inputs[0]
        grad_h = grad_h if grad_h.stride(2) == 1 else grad_h.contiguous()
        grads = [None if t is None else t.new_empty(t.shape) for t in inputs]
        arguments = _arguments(ctx.options, inputs, grad_h.view(x.shape), grads[3])
        arguments.add_steps(*grads[:3])
        arguments.call("gated_norm_backward", x)
        return None, *grads


def _arguments(
    options: tuple[str, bool, bool],
    inputs: tuple[Tensor, Tensor, Tensor | None, Tensor],
    h: Tensor,
    grad_gain: Tensor | None,
) -> Arguments:
    (activation, center, first), (x, gate, more, gain) = options, inputs
    epsilon = x.new_full((), 1e-5)
    flags = (center, activation == "silu", first, activation == "identity")
    arguments = Arguments((*x.shape, *flags), (epsilon, gain, grad_gain))
    arguments.add_steps(x, gate, more, h)
    return arguments
