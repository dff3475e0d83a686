"""Runs cells with a matrix state: all steps of a direction, step by step or in chunks.

B batch, T time, D features in, H hidden units, G rows of W, A heads, E features of a head, L steps
of a chunk, R rows of W whose values are convolved. Works on (T, B, ...).
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from seqtag.cells.linear import GatedNorm, LinearRecurrence
from seqtag.cells.matrix import MatrixCell
from seqtag.recurrent.engines.base import LayerCall, LayerOutput, States, Traces
from seqtag.recurrent.engines.directions import JoinDirections, SplitDirections
from seqtag.recurrent.engines.tensor_lists import compute_dtype
from seqtag.recurrent.matrix.norm import run_gated_norm
from seqtag.recurrent.matrix.recurrence import run_recurrence
from seqtag.recurrent.padding import Padding
from seqtag.recurrent.parameters import Weights

Values = Mapping[str, Tensor]
# From W x + b by gate, (T, B, ...), the parameters, and the initial states: h (T, B, H), and the
# final matrix states.
Run = Callable[[MatrixCell, Values, Values, States, Padding], tuple[Tensor, dict[str, Tensor]]]

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def run_matrix(call: LayerCall, run: Run, product: Product = linear) -> LayerOutput:
    """Run one layer of a `MatrixCell`, one direction after the other.

    `product` computes W x + b.
    """
    cell, x_BTD, padding = call.cell, call.x_BTD, call.padding
    assert isinstance(cell, MatrixCell)
    computed = compute_dtype(x_BTD.dtype)
    reads = SplitDirections.apply(x_BTD.to(computed), padding, len(call.weights), False)
    outputs, finals, traces = [], [], []
    with torch.autocast(x_BTD.device.type, enabled=False):
        for d, (x_TBD, weight, start) in enumerate(
            zip(reads, call.weights, call.states, strict=True)
        ):
            weight, start = _converted(weight, start, computed)
            wx_TBG = product(x_TBD, weight.input_GD, weight.bias_G)
            h_TBH, final, wx = _run_direction(cell, wx_TBG, weight, start, padding, run)
            outputs.append(h_TBH)
            finals.append({name: state.to(x_BTD.dtype) for name, state in final.items()})
            if call.traces:
                shown = {**cell.traced(cell.prepare(wx, weight.unit)), "h": h_TBH}
                traces.append(_in_time_order(shown, padding, backwards=d == 1))
    if len(outputs) == 1 and not padding.ragged:
        y_BTH = outputs[0].transpose(0, 1)
    else:
        y_BTH = JoinDirections.apply(padding, *outputs)
    return LayerOutput(y_BTH.to(x_BTD.dtype), finals, traces)


class _Kernel:
    """What `MatrixKernel` demands, for one batch."""

    def __init__(self, padding: Padding):
        self.padding = padding
        self.at_end = padding.at_end

    def recurrence(self, steps: LinearRecurrence, initial: Tensor) -> tuple[Tensor, Tensor]:
        output, end = run_recurrence(steps, initial, self.padding.lengths_B)
        return output, self.padding.unless_empty(end, initial)

    def gated_norm(self, x: Tensor, norm: GatedNorm) -> Tensor:
        return run_gated_norm(x, norm)


def run_kernel(
    cell: MatrixCell, wx: Values, unit: Values, state: States, padding: Padding
) -> tuple[Tensor, dict[str, Tensor]]:
    """Run all steps by the compiled kernel, with the same results up to rounding."""
    return cell.advance_all(wx, unit, state, _Kernel(padding))


def run_steps(
    cell: MatrixCell, wx: Values, unit: Values, state: States, padding: Padding
) -> tuple[Tensor, dict[str, Tensor]]:
    """Run step by step: the definition of the results."""
    values = cell.prepare(wx, unit)
    recurrence = _neutral_padding(cell, values, padding)
    outputs, current = [], dict(state)
    for t in range(padding.time):
        output, new = cell.advance({name: v[t] for name, v in recurrence.items()}, current)
        current |= new
        outputs.append(output)
    return cell.finish(torch.stack(outputs), values, unit), current


def run_chunks(
    cell: MatrixCell, wx: Values, unit: Values, state: States, padding: Padding
) -> tuple[Tensor, dict[str, Tensor]]:
    """Run chunk by chunk, with the same results up to rounding."""
    values = cell.prepare(wx, unit)
    recurrence = _neutral_padding(cell, values, padding)
    # (T, B, A, E) to (B, A, T, E), and (T, B, A) to (B, A, T)
    by_head = {
        n: v.permute(1, 2, 0, *range(3, v.dim())).contiguous() for n, v in recurrence.items()
    }
    # The gradient of slices would be filled with zeros and added for each of them.
    chunks = zip(*(v.split(cell.chunk, dim=2) for v in by_head.values()), strict=True)
    outputs, current = [], dict(state)
    for chunk in chunks:
        output, new = cell.advance_chunk(dict(zip(by_head, chunk, strict=True)), current)
        current |= new
        outputs.append(output)
    return cell.finish(torch.cat(outputs, dim=2).permute(2, 0, 1, 3), values, unit), current


def _run_direction(
    cell: MatrixCell, wx_TBG: Tensor, weight: Weights, start: States, padding: Padding, run: Run
) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
    """Return h (T, B, H), the final states, and W x + b by gate, (T, B, ...)."""
    hidden_size = weight.unit["gain"].numel()
    final = dict(start)
    if padding.time == 0:
        return wx_TBG[..., :hidden_size], final, _by_gate(cell, wx_TBG, hidden_size)
    if cell.convolution:
        wx_TBG, final = _convolved(cell, wx_TBG, weight.unit["convolution"], final, padding)
    wx = _by_gate(cell, wx_TBG, hidden_size)
    h_TBH, ends = run(cell, wx, weight.unit, final, padding)
    return h_TBH, {**final, **ends, "h": padding.at_end(h_TBH, start["h"])}, wx


def _convolved(
    cell: MatrixCell, wx_TBG: Tensor, weight_RW: Tensor, state: dict[str, Tensor], padding: Padding
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return W x + b with its first rows convolved over time, and the states with its end."""
    rows, width = weight_RW.shape
    read, other = wx_TBG[..., :rows], wx_TBG[..., rows:]
    if width > 1:
        read = torch.cat([state["past"].transpose(0, 1), read])
        state = {**state, "past": _last(read, width - 1, padding)}
    time = len(wx_TBG)
    taps = (read[j : j + time] * weight_RW[:, j] for j in range(width))
    return torch.cat([sum(taps, torch.zeros_like(read[:1])), other], dim=-1), state


def _last(read_SBR: Tensor, count: int, padding: Padding) -> Tensor:
    """Return the last `count` steps of each sequence, which follow `count` earlier ones."""
    if not padding.ragged:
        return read_SBR[len(read_SBR) - count :].transpose(0, 1)
    assert padding.lengths_B is not None
    steps_CB = torch.arange(count, device=read_SBR.device)[:, None] + padding.lengths_B
    index_CBR = steps_CB[..., None].expand(-1, -1, read_SBR.shape[2])
    return read_SBR.gather(0, index_CBR).transpose(0, 1)


def _by_gate(cell: MatrixCell, wx_TBG: Tensor, hidden_size: int) -> dict[str, Tensor]:
    sizes = [cell.gate_size(gate, hidden_size) for gate in cell.gates]
    blocks = dict(zip(cell.gates, wx_TBG.split(sizes, dim=-1), strict=True))
    return {g: b.unflatten(-1, cell.gate_shape(g, hidden_size)) for g, b in blocks.items()}


def _neutral_padding(cell: MatrixCell, values: Values, padding: Padding) -> dict[str, Tensor]:
    """Return what the recurrence reads, with steps after the end that leave the state as it is."""
    values = {name: value for name, value in values.items() if name not in cell.output_values}
    if not padding.ragged:
        return values
    changed = {
        name: values[name].masked_fill(
            padding.outside_TB.view(*values[name].shape[:2], *[1] * (values[name].dim() - 2)),
            neutral,
        )
        for name, neutral in cell.neutral.items()
        if name in values
    }
    return {**values, **changed}


def _in_time_order(values: Values, padding: Padding, backwards: bool) -> Traces:
    """Return traces (B, T, ...), 0 after the end; a value of a head is repeated for its units."""
    hidden_size = values["h"].shape[2]
    traces = {}
    for name, value in values.items():
        flat_TBX = value.flatten(2)
        if value.dim() == 3:
            flat_TBX = flat_TBX.repeat_interleave(hidden_size // value.shape[2], dim=2)
        if backwards:
            flat_TBX = padding.reversed(flat_TBX)
        if padding.ragged:
            flat_TBX = flat_TBX.masked_fill(padding.outside_TB[..., None], 0.0)
        traces[name] = flat_TBX.transpose(0, 1)
    return traces


def _converted(weight: Weights, state: States, dtype: torch.dtype) -> tuple[Weights, Any]:
    """Return weights and states in the dtype that the layer computes in."""
    converted = weight._replace(
        input_GD=weight.input_GD.to(dtype),
        bias_G=None if weight.bias_G is None else weight.bias_G.to(dtype),
        unit={name: value.to(dtype) for name, value in weight.unit.items()},
    )
    return converted, {name: value.to(dtype) for name, value in state.items()}
