"""The scan engine: runs cells that are linear in their state, parallel in time.

If a new state is a s' + b, with a and b computed from the input alone, a and b of all steps are
computed at once, and a scan gives the states. The expression graph of a cell shows whether it has
this form. One autograd function covers all steps of a direction; its backward pass is a scan in
reverse order.

B batch, T time, D features in, H hidden units, G gates. Works on (T, B, ...).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.evaluate import evaluate
from seqtag.recurrent.compiler.graph import Node, input_node
from seqtag.recurrent.compiler.linear import LinearCell, linear_form
from seqtag.recurrent.compiler.plan import why_not_elementwise
from seqtag.recurrent.derivatives import first_derivatives_only
from seqtag.recurrent.engines.base import Engine, LayerCall, LayerOutput
from seqtag.recurrent.engines.directions import JoinDirections, SplitDirections
from seqtag.recurrent.engines.tensor_lists import compute_dtype
from seqtag.recurrent.noise import Noise
from seqtag.recurrent.padding import Padding

# From this many elements per step on, a CPU spends more time on the work than on the call.
WIDE = 4096
# Up to this many steps, time is not cut into pieces.
SHORT = 64
# Elements of a value that are processed at a time, so that they stay in the caches.
PIECE = 1 << 16


class Scan(Engine):
    """Runs the cells that are linear in their state (minlstm, mingru, rg_lru), on every device."""

    name = "scan"

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Refuse cells that are not linear in their state, traces and noise."""
        if reason := why_not_elementwise(cell):
            return reason
        linear = linear_form(cell)
        if isinstance(linear, str):
            return linear
        if noise is not None:
            return "it has no noise in the recurrence"
        return "its scan gives no traces" if traces else None

    def run(self, call: LayerCall) -> LayerOutput:
        """Run one direction after the other."""
        cell, x_BTD, padding = call.cell, call.x_BTD, call.padding
        linear = linear_form(cell)
        computed = compute_dtype(x_BTD.dtype)
        units = [vector.name for vector in cell.vectors]
        outputs, finals = [], []
        reads = SplitDirections.apply(x_BTD.to(computed), padding, len(call.weights), False)
        for x_TBD, weight, state in zip(reads, call.weights, call.states, strict=True):
            start = [state[name].to(computed) for name in cell.states]
            tensors = [weight.input_GD, weight.bias_G, *(weight.unit.get(name) for name in units)]
            tensors = [None if t is None else t.to(computed) for t in tensors]
            paths = _ScanFunction.apply(linear, padding, x_TBD, *tensors, *start)
            outputs.append(paths[0])
            ends = [padding.at_end(p, s) for p, s in zip(paths, start, strict=True)]
            finals.append({n: e.to(x_BTD.dtype) for n, e in zip(cell.states, ends, strict=True)})
        return LayerOutput(JoinDirections.apply(padding, *outputs).to(x_BTD.dtype), finals)


class _ScanFunction(torch.autograd.Function):
    """All steps of a direction as an autograd function: returns (T, B, H) of each state."""

    @staticmethod
    def forward(
        ctx: Any,
        linear: LinearCell,
        padding: Padding,
        x_TBD: Tensor,
        input_GD: Tensor,
        bias_G: Tensor | None,
        *rest: Tensor | None,
    ) -> tuple[Tensor, ...]:
        cell = linear.plan.cell
        with torch.autocast(x_TBD.device.type, enabled=False):
            matrix_DG = input_GD.t()
            x_RD = x_TBD.flatten(0, 1)
            flat_RG = x_RD @ matrix_DG if bias_G is None else torch.addmm(bias_G, x_RD, matrix_DG)
            slots_TBG = flat_RG.unflatten(0, x_TBD.shape[:2])
            values = _Values(linear, slots_TBG, rest[: len(cell.vectors)])
            initial = dict(zip(cell.states, rest[len(cell.vectors) :], strict=True))
            paths = _paths(linear, values, initial)
        for path_TBH in paths.values():
            # A state that grows after the end could turn gradients to NaN.
            padding.zero_padding_(path_TBH)
        ctx.linear = linear
        ctx.save_for_backward(x_TBD, input_GD, bias_G, *rest, slots_TBG, *paths.values())
        ctx.set_materialize_grads(False)
        return tuple(paths[name] for name in cell.states)

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, *grad_paths: Tensor | None) -> tuple[Tensor | None, ...]:
        linear = ctx.linear
        cell = linear.plan.cell
        x_TBD, input_GD, bias_G, *rest = ctx.saved_tensors
        count, states = len(cell.vectors), len(cell.states)
        unit = rest[:count]
        initial = dict(zip(cell.states, rest[count : count + states], strict=True))
        slots_TBG = rest[count + states]
        paths = dict(zip(cell.states, rest[count + states + 1 :], strict=True))
        with torch.autocast(x_TBD.device.type, enabled=False):
            values = _Values(linear, slots_TBG, unit)
            arriving, grad_initial = _arriving(linear, values, paths, initial, grad_paths)
            grads_TBG, grad_unit = _step_gradients(linear, values, paths, initial, arriving)
            grads_RG = grads_TBG.flatten(0, 1)
            needs = ctx.needs_input_grad
            grad_x = grads_RG @ input_GD if needs[2] else None
            grads = [
                None if grad_x is None else grad_x.view(x_TBD.shape),
                grads_RG.t() @ x_TBD.flatten(0, 1),
                None if bias_G is None else grads_RG.sum(0),
                *(g if u is not None else None for g, u in zip(grad_unit, unit, strict=True)),
                *(grad_initial.get(name) for name in cell.states),
            ]
        return None, None, *(g if need else None for g, need in zip(grads, needs[2:], strict=True))


class _Values:
    """The inputs of a cell's expressions at all steps, and their evaluation in pieces of time."""

    def __init__(self, linear: LinearCell, slots_TBG: Tensor, unit: Sequence[Tensor | None]):
        plan = linear.plan
        self.time, self.batch = slots_TBG.shape[:2]
        blocks = slots_TBG.chunk(len(plan.cell.gates), dim=2)
        gates = zip(plan.input_slots, blocks, strict=True)
        self.slots = {input_node(("slot", plan.slots[slot])): block for slot, block in gates}
        zeros_H = blocks[0].new_zeros(blocks[0].shape[2])
        names = [vector.name for vector in plan.cell.vectors]
        self.unit = {
            input_node(("unit", name)): zeros_H if value is None else value
            for name, value in zip(names, unit, strict=True)
        }
        self.like_TBH = blocks[0].new_empty(()).expand(blocks[0].shape)

    def new(self) -> Tensor:
        """Return an empty (T, B, H)."""
        return self.like_TBH.new_empty(self.like_TBH.shape)

    def compute(
        self, nodes: Sequence[Node], more: Mapping[Node, Tensor], out: Sequence[Tensor]
    ) -> None:
        """Write the values of the nodes at all steps into `out`, tensors or views (T, B, H)."""
        _, batch, hidden = self.like_TBH.shape
        steps = max(1, PIECE // max(1, batch * hidden))
        for start in range(0, self.time, steps):
            piece = slice(start, start + steps)
            known = {node: values[piece] for node, values in (self.slots | dict(more)).items()}
            like = known[next(iter(self.slots))]
            known |= {node: value.expand_as(like) for node, value in self.unit.items()}
            for to, value in zip(out, evaluate(nodes, known, like), strict=True):
                to[piece] = value


def _before(path_TBH: Tensor, initial_BH: Tensor) -> Tensor:
    """Return the state before each step."""
    return torch.cat([initial_BH[None], path_TBH[:-1]])


def _paths(linear: LinearCell, values: _Values, initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
    plan = linear.plan
    paths: dict[str, Tensor] = {name: values.new() for name in plan.cell.states}
    decays = [values.new() for _ in linear.carried]
    added = [paths[name] for name in linear.carried]
    values.compute([*linear.decay, *linear.added], {}, [*decays, *added])
    for name, decay_TBH in zip(linear.carried, decays, strict=True):
        scan_(decay_TBH, paths[name], initial[name])
    others = [name for name in plan.cell.states if name not in linear.carried]
    if others:
        before = {input_node(("state", n)): _before(paths[n], initial[n]) for n in linear.carried}
        values.compute([plan.states[n] for n in others], before, [paths[n] for n in others])
    return paths


def _arriving(
    linear: LinearCell,
    values: _Values,
    paths: Mapping[str, Tensor],
    initial: Mapping[str, Tensor],
    grad_paths: Sequence[Tensor | None],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the total gradient at each new state, and the gradients at initial states."""
    states = linear.plan.cell.states
    arriving = {
        name: torch.zeros_like(paths[name]) if grad is None else grad
        for name, grad in zip(states, grad_paths, strict=True)
    }
    known = {input_node(("state", n)): _before(paths[n], initial[n]) for n in linear.carried}
    known |= {input_node(("new", n)): grad for n, grad in arriving.items()}
    decays, passed = ([values.new() for _ in linear.carried] for _ in range(2))
    values.compute([*linear.decay, *linear.passed], known, [*decays, *passed])
    grad_initial = {name: torch.zeros_like(initial[name]) for name in states}
    for name, decay_TBH, passed_TBH in zip(linear.carried, decays, passed, strict=True):
        # At step t: the gradient from outside, and from t + 1 the terms `passed` and `decay`.
        total_TBH = arriving[name].clone(memory_format=torch.contiguous_format)
        total_TBH[:-1] += passed_TBH[1:]
        scan_(decay_TBH[1:], total_TBH[:-1], total_TBH[-1], backwards=True)
        grad_initial[name] = torch.addcmul(passed_TBH[0], decay_TBH[0], total_TBH[0])
        arriving[name] = total_TBH
    return arriving, grad_initial


def _step_gradients(
    linear: LinearCell,
    values: _Values,
    paths: Mapping[str, Tensor],
    initial: Mapping[str, Tensor],
    arriving: Mapping[str, Tensor],
) -> tuple[Tensor, list[Tensor]]:
    """Return the gradients at W x + b, (T, B, G*H), and at the vectors."""
    plan = linear.plan
    known = {input_node(("new", n)): grad for n, grad in arriving.items()}
    known |= {input_node(("state", n)): _before(paths[n], initial[n]) for n in linear.carried}
    gates = len(plan.cell.gates)
    hidden = values.like_TBH.shape[2]
    grads_TBG = values.like_TBH.new_empty(values.time, values.batch, gates * hidden)
    unit = [values.new() for _ in plan.grad_units]
    nodes = [plan.grad_slots[slot] for slot in plan.input_slots]
    to = grads_TBG.chunk(gates, dim=2)
    values.compute([*nodes, *plan.grad_units.values()], known, [*to, *unit])
    return grads_TBG, [value.sum((0, 1)) for value in unit]


def scan_(decay_TBH: Tensor, added_TBH: Tensor, start_BH: Tensor, backwards: bool = False) -> None:
    """Overwrite b (`added_TBH`) with s_t = a_t s_{t-1} + b_t, starting from `start_BH`.

    a is `decay_TBH`. With `backwards`, from the last step to the first. Long sequences are cut into
    pieces of time, which are scanned in parallel from 0. Then each step of a piece gets the final
    state of the previous piece, times the product of a over the piece's steps so far. Without
    division there is no needless overflow; a product that underflows belongs to a state that is
    long forgotten.
    """
    time = len(decay_TBH)
    wide = start_BH.numel() >= WIDE and not start_BH.is_cuda
    if wide or time <= SHORT:
        _steps_(decay_TBH.unbind(), added_TBH.unbind(), start_BH, backwards)
        return
    size = isqrt(time)
    rest = time % size
    inner = slice(rest, None) if backwards else slice(0, time - rest)
    outer = slice(0, rest) if backwards else slice(time - rest, None)
    decay, added = (v[inner].unflatten(0, (-1, size)) for v in (decay_TBH, added_TBH))
    product = decay.clone()
    order = range(size)[::-1] if backwards else range(size)
    for before, here in pairwise(order):
        added[:, here].addcmul_(decay[:, here], added[:, before])
        product[:, here].mul_(product[:, before])
    last = order[-1]
    ends = added[:, last].clone()
    scan_(product[:, last], ends, start_BH, backwards)
    first, others = (slice(-1, None), slice(None, -1)) if backwards else (slice(1), slice(1, None))
    added[first].addcmul_(product[first], start_BH)
    added[others].addcmul_(product[others], (ends[1:] if backwards else ends[:-1])[:, None])
    end_BH = ends[0] if backwards else ends[-1]
    _steps_(decay_TBH[outer].unbind(), added_TBH[outer].unbind(), end_BH, backwards)


def _steps_(
    decays: Sequence[Tensor], added: Sequence[Tensor], start: Tensor, backwards: bool
) -> None:
    """Do the same as `scan_`, step by step."""
    steps = list(zip(decays, added, strict=True))
    for a, b in reversed(steps) if backwards else steps:
        b.addcmul_(a, start)
        start = b
