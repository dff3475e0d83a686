"""Runs cells with a matrix state: all steps of a direction, step by step or in chunks.

B batch, T time, D features in, H hidden units, G rows of W, A heads, E features of a head, L steps
of a chunk, R rows of W whose values are convolved. Works on (T, B, ...).
"""

from collections.abc import Callable, Mapping, Sequence
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
# From x, W, b and the sizes of parts: W x + b in these parts.
Product = Callable[[Tensor, Tensor, Tensor | None, Sequence[int]], Sequence[Tensor]]


def _product(
    x_TBD: Tensor, weight_GD: Tensor, bias_G: Tensor | None, sizes: Sequence[int]
) -> Sequence[Tensor]:
    return linear(x_TBD, weight_GD, bias_G).split(sizes, dim=-1)


def run_matrix(call: LayerCall, run: Run, product: Product = _product) -> LayerOutput:
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
            sizes = _part_sizes(cell, weight.unit["gain"].numel())
            parts = product(x_TBD, weight.input_GD, weight.bias_G, sizes)
            h_TBH, final, wx = _run_direction(cell, parts, weight, start, padding, run)
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


def _part_sizes(cell: MatrixCell, hidden_size: int) -> list[int]:
    """Return the numbers of rows of W of each gate; all convolved gates are one part."""
    sizes = [cell.gate_size(gate, hidden_size) for gate in cell.gates]
    if not cell.convolution:
        return sizes
    return [cell.convolved_size(hidden_size), *sizes[len(cell.convolved) :]]


def _run_direction(
    cell: MatrixCell,
    parts: Sequence[Tensor],
    weight: Weights,
    start: States,
    padding: Padding,
    run: Run,
) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
    """Return h (T, B, H), the final states, and W x + b by gate, (T, B, ...)."""
    hidden_size = weight.unit["gain"].numel()
    final = dict(start)
    if cell.convolution:
        read_TBR, *others = parts
        if padding.time:
            read_TBR, final = _convolved(read_TBR, weight.unit["convolution"], final, padding)
        sizes = [cell.gate_size(gate, hidden_size) for gate in cell.convolved]
        parts = (*read_TBR.split(sizes, dim=-1), *others)
    wx = {
        gate: part.unflatten(-1, cell.gate_shape(gate, hidden_size))
        for gate, part in zip(cell.gates, parts, strict=True)
    }
    if padding.time == 0:
        return torch.cat(list(parts), dim=-1)[..., :hidden_size], final, wx
    h_TBH, ends = run(cell, wx, weight.unit, final, padding)
    return h_TBH, {**final, **ends, "h": padding.at_end(h_TBH, start["h"])}, wx


def _convolved(
    read_TBR: Tensor, weight_RW: Tensor, state: dict[str, Tensor], padding: Padding
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return rows of W x + b convolved over time, and the states with their end."""
    time, width = len(read_TBR), weight_RW.shape[1]
    if width > 1:
        read_TBR = torch.cat([state["past"].transpose(0, 1), read_TBR])
        state = {**state, "past": _last(read_TBR, width - 1, padding)}
    taps = (read_TBR[j : j + time] * weight_RW[:, j] for j in range(width))
    return sum(taps, torch.zeros_like(read_TBR[:1])), state


def _last(read_SBR: Tensor, count: int, padding: Padding) -> Tensor:
    """Return the last `count` steps of each sequence, which follow `count` earlier ones."""
    if not padding.ragged:
        return read_SBR[len(read_SBR) - count :].transpose(0, 1)
    assert padding.lengths_B is not None
    steps_CB = torch.arange(count, device=read_SBR.device)[:, None] + padding.lengths_B
    index_CBR = steps_CB[..., None].expand(-1, -1, read_SBR.shape[2])
    return read_SBR.gather(0, index_CBR).transpose(0, 1)


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
