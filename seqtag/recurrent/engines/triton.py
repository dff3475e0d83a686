"""The triton engine: kernels for a GPU, generated from a cell's step and compiled at first use.

B batch, T time, D features in, H hidden units, N directions, S states, C shown values.
"""

import os
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.plan import why_untraceable
from seqtag.recurrent.derivatives import is_differentiated
from seqtag.recurrent.engines.base import Engine, LayerCall, LayerOutput, UnexpectedRefusal
from seqtag.recurrent.engines.tensor_lists import (
    flatten,
    layer_output,
    named_traces,
)
from seqtag.recurrent.noise import Noise


class Triton(Engine):
    """Runs every cell whose step can be traced, on a GPU with Triton.

    With TRITON_INTERPRET=1 in the environment it runs on a CPU, in Triton's interpreter: slowly,
    for tests, and only if requested.
    """

    name = "triton"

    def serves_auto(self, x_BTD: Tensor) -> bool:
        """Return whether the tensor is on a GPU."""
        return x_BTD.is_cuda

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Refuse other devices, float64, untraceable cells, and a Triton that does not work."""
        device = x_BTD.device
        if device.type != "cuda" and not (device.type == "cpu" and _is_interpreted()):
            return f"it runs on a GPU, not on {device.type}"
        if not _is_installed():
            reason = "the package triton is not installed"
            return UnexpectedRefusal(reason) if x_BTD.is_cuda else reason
        if operand_dtype(x_BTD) not in (torch.float32, torch.bfloat16, torch.float16):
            return f"it computes in float32, bfloat16 and float16, not in {_name(x_BTD.dtype)}"
        if noise is not None:
            cell = noise.written_into(cell)
        if reason := why_untraceable(cell):
            return reason
        return _failure(device) if x_BTD.is_cuda else None

    def run(self, call: LayerCall) -> LayerOutput:
        """Run all directions in one launch for each pass."""
        from seqtag.recurrent.triton.function import LayerFunction
        from seqtag.recurrent.triton.kernel import triton_kernel_of

        cell, weights, states = call.cell, call.weights, call.states
        if call.noise is not None:
            cell, weights, states = call.noise.as_vectors(cell, weights, states)
        kernel = triton_kernel_of(cell, call.traces)
        dtype = operand_dtype(call.x_BTD)
        flat = flatten(cell, weights, states, torch.float32)
        keep = is_differentiated((call.x_BTD, *flat))
        with torch.autocast(call.x_BTD.device.type, enabled=False):
            y_TBNH, finals_BNSH, shown_TBNCH = LayerFunction.apply(
                kernel, keep, dtype, call.padding.lengths_B, len(weights), call.x_BTD, *flat
            )
        y_BTH = y_TBNH.flatten(2).transpose(0, 1)
        finals = [final_BH for side in finals_BNSH.unbind(1) for final_BH in side.unbind(1)]
        output = layer_output(cell, y_BTH, finals, dtype)
        if not call.traces:
            return output
        by_time = shown_TBNCH.transpose(0, 1)
        shown = [value_BTH for side in by_time.unbind(2) for value_BTH in side.unbind(2)]
        traces = named_traces(kernel.plan, call.cell, len(weights), output.y_BTH, shown)
        return output._replace(traces=traces)


def operand_dtype(x_BTD: Tensor) -> torch.dtype:
    """Return the dtype of products and results: under autocast its dtype, else that of x."""
    device = x_BTD.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x_BTD.dtype


@cache
def _is_installed() -> bool:
    return find_spec("triton") is not None


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _is_interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on", "y")


@cache
def _failure(device: torch.device) -> UnexpectedRefusal | None:
    """Return why Triton cannot compile or run a kernel on a GPU. Tried only once per device."""
    from seqtag.recurrent.triton.trial import run_trial

    try:
        run_trial(device)
    except Exception as error:  # compilers, drivers and Triton raise errors of many types
        lines = str(error).strip().splitlines() or [""]
        return UnexpectedRefusal(f"triton fails on {device} ({type(error).__name__}: {lines[0]})")
    return None
