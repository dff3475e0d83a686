"""The linear recurrence of matrix states as an autograd function on the compiled kernel.

T time, B batch, A heads, N rows and E columns of the state.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqtag.cells.linear import LinearRecurrence
from seqtag.recurrent.derivatives import first_derivatives_only, is_differentiated
from seqtag.recurrent.matrix.kernel import Arguments, library_for, unit_stride

_MOST_LANES = 16


class _Inputs(NamedTuple):
    """The tensors that have a gradient. With `replaces` the key is the read key."""

    query: Tensor
    key: Tensor | None
    value: Tensor
    decay: Tensor | None
    strength: Tensor | None
    read_key: Tensor | None
    write_key: Tensor | None
    skip: Tensor | None
    initial: Tensor


class _Options(NamedTuple):
    """What has no gradient: whether to keep values for the backward pass, and the rest."""

    keep: bool
    replaces: bool
    silu: tuple[str, ...]
    unit: bool
    lengths_B: Tensor | None
    sign: Tensor | None
    bound: Tensor | None


def run_recurrence(
    steps: LinearRecurrence, initial: Tensor, lengths_B: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Run a recurrence on a CPU, see `MatrixKernel.recurrence`; outputs after the end are 0.

    `lengths_B` holds the numbers of steps; None if all are T.
    """
    keys = (None, steps.key) if steps.replaces else (steps.key, steps.read_key)
    inputs = _Inputs(
        *(steps.query, keys[0], steps.value, steps.log_decay, steps.strength),
        *(keys[1], steps.write_key, steps.skip, initial),
    )
    lengths_B = None if lengths_B is None else lengths_B.contiguous()
    options = _Options(
        *(is_differentiated(inputs), steps.replaces, steps.silu, steps.unit),
        *(lengths_B, steps.sign, steps.bound),
    )
    return _Recurrence.apply(options, *inputs)


class _Recurrence(torch.autograd.Function):
    """Returns the outputs and the last state."""

    @staticmethod
    def forward(ctx: Any, options: _Options, *inputs: Tensor | None) -> tuple[Tensor, ...]:
        read = _Inputs(*(None if t is None else unit_stride(t) for t in inputs))
        if read.decay is not None:
            decay = read.decay.exp()
            read = read._replace(decay=decay if options.sign is None else decay * options.sign)
        output, final = torch.empty_like(read.value), torch.empty_like(read.initial)
        norm = None if options.bound is None else torch.empty_like(options.bound)
        kept = (*_allocate_kept(options, read), output, norm)
        arguments = _arguments(options, read, kept)
        arguments.add_states(read.initial, final)
        arguments.call("matrix_forward", output)
        if options.keep:
            ctx.options = options
            ctx.save_for_backward(*read, *kept)
        ctx.set_materialize_grads(False)
        return output, final

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, grad_output: Tensor | None, grad_final: Tensor | None) -> tuple:
        saved, options = ctx.saved_tensors, ctx.options
        read, kept = _Inputs(*saved[: len(_Inputs._fields)]), saved[len(_Inputs._fields) :]
        grad_output = torch.zeros_like(read.value) if grad_output is None else grad_output
        grads = _Inputs(*(None if t is None else t.new_empty(t.shape) for t in read))
        batch, heads = read.initial.shape[:2]
        # That of each sequence.
        skip = None if read.skip is None else read.skip.new_empty(batch, heads)
        arguments = _arguments(options, read, kept)
        arguments.add_steps(unit_stride(grad_output))
        arguments.add_states(None if grad_final is None else unit_stride(grad_final))
        arguments.add_steps(*grads[:7])
        arguments.add_heads(skip)
        arguments.add_states(grads.initial)
        arguments.call("matrix_backward", read.value)
        return None, *grads._replace(skip=None if skip is None else skip.sum(0))


def _arguments(options: _Options, inputs: _Inputs, kept: Sequence[Tensor | None]) -> Arguments:
    """Return the arguments that both functions take."""
    starts, solutions, output, norm = kept
    (time, batch, heads, columns), rows = inputs.value.shape, inputs.query.shape[3]
    is_vector = inputs.decay is not None and inputs.decay.dim() == 4
    sizes = (
        *(time, batch, heads, rows, columns, options.bound is not None),
        *(inputs.read_key is not None, options.replaces, is_vector),
        inputs.query.shape[2] < heads,
        *(name in options.silu for name in ("query", "key", "value")),
        options.unit,
    )
    arguments = Arguments(sizes, (options.lengths_B, starts, solutions))
    arguments.add_steps(*inputs[:7], options.bound)
    arguments.add_heads(inputs.skip)
    arguments.add_steps(output, norm)
    return arguments


def _allocate_kept(options: _Options, inputs: _Inputs) -> tuple[Tensor | None, Tensor | None]:
    """Return buffers for what the backward pass reads: states before chunks, solved values."""
    if not options.keep:
        return None, None
    value = inputs.value
    time, batch, heads, _ = value.shape
    rows, columns = inputs.initial.shape[2:]
    chunks = -(-time // library_for(value).seqtag_matrix_steps())
    padded = (-(-size // _MOST_LANES) * _MOST_LANES for size in (columns, rows))
    starts = value.new_empty(batch, heads, chunks, *padded)
    if inputs.read_key is None:
        return starts, None
    return starts, value.new_empty(batch, heads, time, columns)
