"""The compiled recurrence of cells with a matrix state, as an autograd function.

T time, B batch, A heads, N rows and E columns of the state.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqtag.cells.linear import LinearRecurrence
from seqtag.recurrent.compiler.build import build, serialized
from seqtag.recurrent.compiler.kernel import team_address
from seqtag.recurrent.compiler.printer import SCALARS, skeleton
from seqtag.recurrent.derivatives import first_derivatives_only
from seqtag.recurrent.engines.tensor_lists import is_differentiated

_FILES = ("tiles.h", "chunk.h", "forward.h", "backward.h", "interface.h")
_SYMBOLS = ("seqtag_matrix_forward", "seqtag_matrix_backward", "seqtag_matrix_steps")
_MOST_LANES = 16


@cache
@serialized
def library(dtype: str) -> ctypes.CDLL:
    """Return the library for "float32" or "float64", compiled at first use.

    Raises:
        BuildError: if it cannot be compiled.
    """
    scalar, single = SCALARS[dtype]
    own = ((files(__package__) / name).read_text(encoding="utf-8") for name in _FILES)
    head = f"#define S {scalar}\n#define SINGLE {single}\n"
    source = "\n".join((head, skeleton("vector.h"), skeleton("products.h"), *own))
    return build(source, f"matrix_{dtype}", _SYMBOLS)


def run_recurrence(
    steps: LinearRecurrence, initial: Tensor, lengths_B: Tensor | None = None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Run a recurrence on a CPU: see `RunRecurrence` for arguments and results.

    Outputs are 0 after the end of a sequence. `lengths_B` holds the numbers of steps; None if all
    are T.
    """
    key, read_key, write_key = steps.key, steps.read_key, steps.write_key
    if steps.replaces:
        key, read_key = None, steps.key
    arguments = (
        *(steps.query, key, steps.value, steps.log_decay, steps.strength),
        *(read_key, write_key, initial),
    )
    options = _Options(is_differentiated(arguments), steps.replaces, steps.counts, lengths_B)
    output, *counted, final = _Recurrence.apply(options, steps.sign, *arguments)
    return output, (counted[0] if counted else None), final


class _Options(NamedTuple):
    keep: bool
    replaces: bool
    counts: bool
    lengths_B: Tensor | None


class _Recurrence(torch.autograd.Function):
    """Returns the outputs, with `counts` what is read from the column of ones, and the state."""

    @staticmethod
    def forward(
        ctx: Any, options: _Options, sign: Tensor | None, *arguments: Tensor | None
    ) -> tuple[Tensor, ...]:
        inputs = [None if a is None else _unit_stride(a) for a in arguments]
        _, _, value, log_decay, *_, initial = inputs
        assert value is not None
        assert initial is not None
        if log_decay is not None:
            decay = log_decay.exp()
            inputs[3] = decay if sign is None else decay * sign
        output = value.new_empty(value.shape)
        counted = value.new_empty(value.shape[:3]) if options.counts else None
        final = torch.empty_like(initial)
        call = _Call(options, inputs, _kept(options, inputs))
        call.run("forward", (output, counted), (initial, final))
        if options.keep:
            ctx.options = options
            ctx.save_for_backward(*inputs, *call.kept)
        ctx.set_materialize_grads(False)
        return tuple(t for t in (output, counted, final) if t is not None)

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, *arriving: Tensor | None) -> tuple:
        *inputs, starts, solutions = ctx.saved_tensors
        options: _Options = ctx.options
        value = inputs[2]
        grad_output, *grad_counted, grad_final = arriving
        if grad_output is None:
            grad_output = torch.zeros_like(value)
        counted = None
        if options.counts:
            counted = grad_counted[0]
            counted = value.new_zeros(value.shape[:3]) if counted is None else counted
        grad_final = None if grad_final is None else _unit_stride(grad_final)
        grads = [None if t is None else t.new_empty(t.shape) for t in inputs]
        call = _Call(options, inputs, (starts, solutions))
        steps = (_unit_stride(grad_output), counted)
        call.run("backward", steps, (grad_final,), grads[:-1], (grads[-1],))
        return None, None, *grads


class _Call:
    """The sizes and pointers that both functions of the kernel take."""

    def __init__(
        self,
        options: _Options,
        inputs: Sequence[Tensor | None],
        kept: Sequence[Tensor | None],
    ):
        query, _, value, decay, _, read_key, write_key, _ = inputs
        assert query is not None
        assert value is not None
        self.options, self.kept, self.dtype = options, kept, value.dtype
        (time, batch, heads, columns), rows = value.shape, query.shape[3]
        is_vector = decay is not None and decay.dim() == 4
        shared = query.shape[2] < heads
        self.sizes = [
            *(time, batch, heads, rows, columns, options.counts, read_key is not None),
            *(options.replaces, is_vector, shared, torch.get_num_threads()),
        ]
        lengths_B = options.lengths_B
        self.tensors = [None if lengths_B is None else lengths_B.contiguous(), *kept]
        if options.replaces:  # the same key is read and written
            write_key = read_key
        self.add_steps((*inputs[:5], read_key, write_key))

    def add_steps(self, tensors: Sequence[Tensor | None]) -> None:
        """Append arguments (T, B, A, ...); an axis A of size 1 repeats."""
        for tensor in tensors:
            strides = (0, 0, 0) if tensor is None else tensor.stride()[:3]
            repeats = tensor is not None and tensor.shape[2] == 1
            self.sizes += (*strides[:2], 0 if repeats else strides[2])
            self.tensors.append(tensor)

    def add_states(self, tensors: Sequence[Tensor | None]) -> None:
        """Append states (B, A, N, E)."""
        for tensor in tensors:
            batch, head, row = (0, 0, 0) if tensor is None else tensor.stride()[:3]
            self.sizes += (row, batch, head)
            self.tensors.append(tensor)

    def run(self, name: str, *groups: Sequence[Tensor | None]) -> None:
        """Call a function with more arguments: steps and states by turns."""
        for index, group in enumerate(groups):
            (self.add_states if index % 2 else self.add_steps)(group)
        function = library(str(self.dtype).removeprefix("torch."))[f"seqtag_matrix_{name}"]
        pointers = [team_address(), *(None if t is None else t.data_ptr() for t in self.tensors)]
        failed = function(
            (ctypes.c_int64 * len(self.sizes))(*self.sizes),
            (ctypes.c_void_p * len(pointers))(*pointers),
        )
        if failed:
            raise MemoryError("not enough memory for the states of a layer")


def _kept(
    options: _Options, inputs: Sequence[Tensor | None]
) -> tuple[Tensor | None, Tensor | None]:
    """Return buffers for what the backward pass reads: states before chunks, solved values."""
    value, read_key, initial = inputs[2], inputs[5], inputs[-1]
    assert value is not None
    assert initial is not None
    if not options.keep:
        return None, None
    time, batch, heads, _ = value.shape
    rows, columns = initial.shape[2:]
    chunks = -(-time // library(str(value.dtype).removeprefix("torch.")).seqtag_matrix_steps())
    padded = -(-rows // _MOST_LANES) * _MOST_LANES
    starts = value.new_empty(batch, heads, chunks, columns, padded)
    solutions = None if read_key is None else value.new_empty(batch, heads, time, columns)
    return starts, solutions


def _unit_stride(tensor: Tensor) -> Tensor:
    """Return a tensor whose last axis, if it is one of features, is contiguous."""
    return tensor if tensor.dim() < 4 or tensor.stride(3) == 1 else tensor.contiguous()
