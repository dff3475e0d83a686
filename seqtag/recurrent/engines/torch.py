"""The torch engine: torch's own kernels, oneDNN on a CPU (float32 LSTM, training too) and cuDNN.

Torch does not run packed batches on oneDNN. So the batch runs with its padding, and the backward
direction reads through the index t -> length-1-t, which keeps padding after the end.

If oneDNN lacks bfloat16, it runs in float32 and the results are rounded.

B batch, T time, D features in, H hidden units, G gates. Works on (T, B, ...), as the kernels do.
"""

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from seqtag.cells import Cell, Gru, Lstm, Rnn
from seqtag.recurrent.engines.base import Engine, LayerCall, LayerOutput
from seqtag.recurrent.engines.directions import JoinDirections, SplitDirections
from seqtag.recurrent.noise import Noise
from seqtag.recurrent.parameters import Weights

# In every kernel a sigmoid is exactly 0 or 1 at this size, which still fits into float16.
SATURATING = 1e4


class Torch(Engine):
    """Runs the cells that torch has: lstm, gru, rnn."""

    name = "torch"

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Refuse cells that torch does not have, noise and traces."""
        if not is_in_torch(cell):
            return "torch has no such cell"
        if noise is not None:
            return "torch's kernels have no noise in the recurrence"
        return "torch's kernels give no traces" if traces else None

    def run(self, call: LayerCall) -> LayerOutput:
        """Run each direction in one kernel call."""
        cell, padding = call.cell, call.padding
        flags_padding = isinstance(cell, Lstm) and padding.ragged
        reads = SplitDirections.apply(call.x_BTD, padding, len(call.weights), flags_padding)
        outputs, finals = [], []
        for x_TBD, weight, state in zip(reads, call.weights, call.states, strict=True):
            start = [state[name][None] for name in cell.states]
            y_TBH, final = _kernel(cell, x_TBD, _parameters(cell, weight, flags_padding), start)
            final["h"] = padding.at_end(y_TBH, state["h"])
            outputs.append(y_TBH)
            finals.append(final)
        return LayerOutput(JoinDirections.apply(padding, *outputs), finals)


def _kernel(
    cell: Cell, x_TBD: Tensor, parameters: list[Tensor], start: list[Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return y (T, B, H) and the states after T steps, padding included."""
    device = x_TBD.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x_TBD.dtype
    computed = torch.float32 if device == "cpu" and dtype in _missing_dtypes() else dtype
    if computed == dtype:
        y_TBH, final = _call(cell, x_TBD, parameters, start)
    else:
        with torch.autocast(device, enabled=False):
            wide = ([t.to(computed) for t in tensors] for tensors in (parameters, start))
            y_TBH, final = _call(cell, x_TBD.to(computed), *wide)
    # Under autocast a GRU on a CPU returns float32.
    return y_TBH.to(dtype), {name: end.to(dtype) for name, end in final.items()}


@cache
def _missing_dtypes() -> tuple[torch.dtype, ...]:
    """Return the 16-bit dtypes that oneDNN's LSTM does not support on this processor.

    Autocast passes such tensors to it nevertheless, and the call fails.
    """
    mkldnn = torch.ops.mkldnn
    has = {
        torch.bfloat16: mkldnn._is_mkldnn_bf16_supported,
        torch.float16: mkldnn._is_mkldnn_fp16_supported,
    }
    available = torch.backends.mkldnn.is_available()
    return tuple(dtype for dtype, supported in has.items() if not (available and supported()))


def _call(
    cell: Cell, x_TBD: Tensor, parameters: list[Tensor], start: list[Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    # `train` makes the kernel save values for the backward pass; eval mode may need that too.
    tensors = (x_TBD, *parameters, *start)
    train = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    options = (
        True,
        1,
        0.0,
        train,
        False,
        False,
    )  # biases, layers, dropout, train, bidirectional, batch first
    with _scattered_weights() if x_TBD.is_cuda else contextlib.nullcontext():
        if isinstance(cell, Lstm):
            y_TBH, h_1BH, c_1BH = torch.lstm(x_TBD, start, parameters, *options)
            return y_TBH, {"h": h_1BH[0], "c": c_1BH[0]}
        if isinstance(cell, Gru):
            call = torch.gru
        else:
            call = torch.rnn_relu if cell.activation == "relu" else torch.rnn_tanh
        y_TBH, h_1BH = call(x_TBD, start[0], parameters, *options)
    return y_TBH, {"h": h_1BH[0]}


def _parameters(cell: Cell, weight: Weights, flags_padding: bool) -> list[Tensor]:
    """Return [W, R, b, b'] for torch, whose order of gates is that of the cells."""
    w_GD, (r_GH,), _, b_G, unit = weight
    zeros_G = w_GD.new_zeros(w_GD.shape[0])
    recurrent_G = zeros_G
    if "bias_recurrent" in unit:
        hidden = unit["bias_recurrent"].shape[0]
        recurrent_G = torch.cat([zeros_G[:-hidden], unit["bias_recurrent"]])
    if flags_padding:
        # The padding flag sets i to 0 and f to 1, so the kernel keeps c unchanged from each
        # sequence's end to step T.
        hidden = r_GH.shape[1]
        flag_G = zeros_G.clone()
        flag_G[:hidden] = -SATURATING
        flag_G[hidden : 2 * hidden] = SATURATING
        w_GD = torch.cat([w_GD, flag_G[:, None]], dim=1)
    return [w_GD, r_GH, zeros_G if b_G is None else b_G, recurrent_G]


@contextlib.contextmanager
def _scattered_weights() -> Iterator[None]:
    """Silence cuDNN's warning about weights in several blocks: copying them each call is cheap."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
        yield


def is_in_torch(cell: Cell) -> bool:
    """Return whether torch has the cell; options for initial biases do not matter."""
    if type(cell) in (Lstm, Gru):
        default = type(cell)()
        starts = {name: getattr(default, name) for name in cell.starts}
        return dataclasses.replace(cell, **starts) == default
    return type(cell) is Rnn
