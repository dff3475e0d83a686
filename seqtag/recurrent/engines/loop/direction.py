"""The forward and the backward pass of the loop engine in one direction.

B batch, T time, D features in, H hidden units, G gates, S slots, R rows (see `rows`), P rows of a
path: B + R.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqtag.recurrent.compiler.evaluate import CALLS
from seqtag.recurrent.engines.loop.layout import GRADS, SLOTS, Layout
from seqtag.recurrent.engines.loop.program import Place, Program
from seqtag.recurrent.engines.loop.rows import Rows

Steps = list[Tensor]  # one tensor per step, for the sequences that run at it


@dataclass
class DirectionCall:
    """The arguments of one direction; states and masks are by rank.

    Attributes:
        layout: the layout of the cell.
        rows: the rows of this direction.
        input_GD, bias_G: W and b, as in `Weights`.
        recurrent: R of each product.
        unit: vectors by name, (H), or (R, H) if they differ from step to step.
        initial: initial states by name, (B, H).
        masks: dropout masks by state that an R multiplies, (B, H).
    """

    layout: Layout
    rows: Rows
    input_GD: Tensor
    bias_G: Tensor | None
    recurrent: Sequence[Tensor]
    unit: Mapping[str, Tensor]
    initial: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]

    @property
    def hidden(self) -> int:
        """The number of hidden units, H."""
        return self.input_GD.shape[0] // len(self.layout.plan.cell.gates)

    def unit_steps(self, name: str) -> Steps:
        """Return a vector, once for each step."""
        values = self.unit.get(name)
        if values is None:  # a bias that is absent
            values = self.input_GD.new_zeros(self.hidden)
        if values.dim() == 2:
            return self.rows.steps(values)
        return self.rows.repeat(values.expand(self.rows.batch, -1))

    def scratch(self) -> Tensor:
        """Return an uninitialised buffer for one value."""
        return self.input_GD.new_empty(self.rows.batch, self.hidden)


@dataclass
class KeptValues:
    """Values of the forward pass that the backward pass reads.

    Attributes:
        slots: (R, S*H), or None.
        extra: more values, (R, H).
        paths: states by name, (P, H).
    """

    slots: Tensor | None
    extra: list[Tensor]
    paths: dict[str, Tensor]


@dataclass
class Gradients:
    """The gradients of one direction; tensors as in `DirectionCall`.

    x_RD is None unless it is needed.
    """

    x_RD: Tensor | None
    input_GD: Tensor
    bias_G: Tensor
    recurrent: list[Tensor]
    unit: dict[str, Tensor]
    initial: dict[str, Tensor]


def forward(
    direction: DirectionCall, x_RD: Tensor, keep: bool
) -> tuple[Tensor, dict[str, Tensor], KeptValues]:
    """Return the path of outputs, the final states (in batch order) and the kept values."""
    layout, rows, hidden = direction.layout, direction.rows, direction.hidden
    cell = layout.plan.cell
    slots_RS = _inputs(direction, x_RD)
    extra = [
        x_RD.new_empty(rows.total, hidden) if keep else direction.scratch()
        for _ in range(layout.forward.extra)
    ]
    steps: dict[Any, Steps] = {
        ("extra", k): rows.steps(e) if keep else rows.repeat(e) for k, e in enumerate(extra)
    }
    paths, finals = {}, {}
    alternating = {}
    for number, name in enumerate(cell.states):
        if number == 0 or (keep and layout.plan.is_stored(name)):
            paths[name] = _start(direction.initial[name], rows.total)
            steps["before", name], steps["new", name] = rows.steps_of_path(paths[name])
        else:
            alternating[name] = _start(direction.initial[name], rows.batch)
            steps["before", name], steps["new", name] = rows.alternating(alternating[name])
    products = [
        (
            rows.steps(slots_RS[:, blocks.columns(hidden)]),
            _masked(direction, product.state, steps["before", product.state]),
            blocks.spread(matrix_GH, hidden).t(),
        )
        for product, blocks, matrix_GH in zip(
            cell.products, layout.products, direction.recurrent, strict=True
        )
    ]
    calls = _calls(direction, layout.forward, {SLOTS: slots_RS}, steps)
    for s in range(rows.time):
        for sums, states, matrix_HG in products:
            sums[s].addmm_(states(s), matrix_HG)
        for call, args, out in calls:
            call(*args[s], out=out[s])
    for name in cell.states:
        at_end = (
            (paths[name], rows.last_B)
            if name in paths
            else (alternating[name], rows.last_alternating_B)
        )
        finals[name] = at_end[0].index_select(0, at_end[1])
    kept = KeptValues(slots_RS if layout.keeps_slots else None, extra, paths)
    return paths[cell.states[0]], finals, kept


def _inputs(direction: DirectionCall, x_RD: Tensor) -> Tensor:
    """Return the buffer of slots: W x + b, and 0 in slots that only recurrent products fill."""
    layout, hidden = direction.layout, direction.hidden
    slots_RS = x_RD.new_empty(direction.rows.total, len(layout.plan.slots) * hidden)
    columns = layout.inputs.columns(hidden)
    slots_RS[:, columns.stop :] = 0.0
    matrix_DG = layout.inputs.spread(direction.input_GD, hidden).t()
    if direction.bias_G is None:
        torch.mm(x_RD, matrix_DG, out=slots_RS[:, columns])
    else:
        bias_G = layout.inputs.spread(direction.bias_G, hidden)
        torch.addmm(bias_G, x_RD, matrix_DG, out=slots_RS[:, columns])
    return slots_RS


def _start(initial_BH: Tensor, rows: int) -> Tensor:
    path_PH = initial_BH.new_empty(len(initial_BH) + rows, initial_BH.shape[1])
    path_PH[: len(initial_BH)] = initial_BH
    return path_PH


def _masked(direction: DirectionCall, state: str, before: Steps) -> Callable[[int], Tensor]:
    """Return a function from a step to the state that an R multiplies, masked if needed."""
    if state not in direction.masks:
        return before.__getitem__
    masks, products = (
        direction.rows.repeat(direction.masks[state]),
        direction.rows.repeat(direction.scratch()),
    )
    return lambda s: torch.mul(before[s], masks[s], out=products[s])


def _calls(
    direction: DirectionCall,
    program: Program,
    buffers: Mapping[Any, Tensor],
    steps: dict[Any, Steps],
) -> list[tuple[Callable[..., Any], list[tuple[Tensor, ...]], Steps]]:
    """Return each call of a program with its arguments and its output buffer for each step."""
    rows, hidden = direction.rows, direction.hidden
    for number in range(program.scratch):
        steps["scratch", number] = rows.repeat(direction.scratch())

    def views(place: Place, blocks: int) -> Steps:
        buffer = place.buffer
        if buffer in buffers:
            columns = slice(place.block * hidden, (place.block + blocks) * hidden)
            return rows.steps(buffers[buffer][:, columns])
        if buffer not in steps:
            if buffer[0] == "unit":
                steps[buffer] = direction.unit_steps(buffer[1])
            else:
                steps[buffer] = [direction.input_GD.new_tensor(buffer[1])] * rows.time
        return steps[buffer]

    calls = []
    for call in program.calls:
        args = [views(place, call.blocks) for place in call.args]
        calls.append((CALLS[call.op], list(zip(*args, strict=True)), views(call.out, call.blocks)))
    return calls


def backward(
    direction: DirectionCall,
    x_RD: Tensor,
    kept: KeptValues,
    grad_y_PH: Tensor,
    grad_finals: Mapping[str, Tensor],
    needs_x: bool,
    needs_initial: bool,
) -> Gradients:
    """Return all gradients.

    Args:
        direction: the arguments of `forward`.
        x_RD: the inputs of `forward`.
        kept: the values that `forward` kept.
        grad_y_PH: the gradient at the path of outputs, final states included; is overwritten.
        grad_finals: the gradients at the final values of the other states, by rank; 0 if none.
        needs_x: whether the gradient of x is needed.
        needs_initial: whether those of the initial states are needed; if not, they are incomplete.
    """
    layout, rows, hidden = direction.layout, direction.rows, direction.hidden
    cell = layout.plan.cell
    output = cell.states[0]
    grads_RS = x_RD.new_empty(rows.total, len(layout.plan.slots) * hidden)
    steps: dict[Any, Steps] = {("extra", k): rows.steps(e) for k, e in enumerate(kept.extra)}
    for name, path_PH in kept.paths.items():
        steps["before", name], steps["new", name] = rows.steps_of_path(path_PH)
    steps["carry", output], steps["arriving", output] = rows.steps_of_path(grad_y_PH)
    # Both halves start with the gradients at the final states: the rows of a sequence hold them
    # until its last step reads them.
    alternating = {name: torch.cat([grad_finals[name]] * 2) for name in cell.states[1:]}
    for name, both_BH in alternating.items():
        steps["carry", name], steps["arriving", name] = rows.alternating(both_BH)
    sums = {name: torch.zeros_like(direction.scratch()) for name in layout.units}
    steps |= {("sum", name): rows.repeat(total_BH) for name, total_BH in sums.items()}
    buffers = {GRADS: grads_RS} | ({SLOTS: kept.slots} if kept.slots is not None else {})
    calls = _calls(direction, layout.backward, buffers, steps)
    products = _back_products(direction, grads_RS, steps)
    for s in reversed(range(rows.time)):
        for call, args, out in calls:
            call(*args[s], out=out[s])
        if s or needs_initial:
            for product in products:
                product(s)
    inputs_RG = grads_RS[:, layout.inputs.columns(hidden)]
    return Gradients(
        x_RD=inputs_RG @ layout.inputs.spread(direction.input_GD, hidden) if needs_x else None,
        input_GD=layout.inputs.collect(inputs_RG.t() @ x_RD, hidden),
        bias_G=layout.inputs.collect(inputs_RG.sum(0), hidden),
        recurrent=_recurrent_gradients(direction, kept, grads_RS),
        unit={name: total_BH.sum(0) for name, total_BH in sums.items()},
        initial={
            name: (grad_y_PH if name == output else alternating[name])[: rows.batch]
            for name in cell.states
        },
    )


def _back_products(
    direction: DirectionCall, grads_RS: Tensor, steps: Mapping[Any, Steps]
) -> list[Callable[[int], Any]]:
    """Return, for each product, a function that adds its part to its state's gradient at a step."""
    layout, rows = direction.layout, direction.rows
    cell = layout.plan.cell
    # Gradients of the output are added to; another state's first one is written.
    written = {cell.states[0], *layout.carried}
    functions = []
    for product, blocks, matrix_GH in zip(
        cell.products, layout.products, direction.recurrent, strict=True
    ):
        grads = rows.steps(grads_RS[:, blocks.columns(direction.hidden)])
        weight_GH = blocks.spread(matrix_GH, direction.hidden)
        to = steps["carry", product.state]
        mask_BH = direction.masks.get(product.state)
        functions.append(
            _back_product(direction, grads, weight_GH, to, mask_BH, product.state in written)
        )
        written.add(product.state)
    return functions


def _back_product(
    direction: DirectionCall,
    grads: Steps,
    weight_GH: Tensor,
    to: Steps,
    mask_BH: Tensor | None,
    adds: bool,
) -> Callable[[int], Any]:
    if mask_BH is None and adds:
        return lambda s: to[s].addmm_(grads[s], weight_GH)
    if mask_BH is None:
        return lambda s: torch.mm(grads[s], weight_GH, out=to[s])
    masks, products = direction.rows.repeat(mask_BH), direction.rows.repeat(direction.scratch())

    def masked(s: int) -> None:
        torch.mm(grads[s], weight_GH, out=products[s])
        if adds:
            to[s].addcmul_(products[s], masks[s])
        else:
            torch.mul(products[s], masks[s], out=to[s])

    return masked


def _recurrent_gradients(
    direction: DirectionCall, kept: KeptValues, grads_RS: Tensor
) -> list[Tensor]:
    gradients = []
    for product, blocks in zip(
        direction.layout.plan.cell.products, direction.layout.products, strict=True
    ):
        before_RH = direction.rows.previous(kept.paths[product.state])
        if product.state in direction.masks:
            before_RH = before_RH * direction.rows.spread(direction.masks[product.state])
        grads_RG = grads_RS[:, blocks.columns(direction.hidden)]
        gradients.append(blocks.collect(grads_RG.t() @ before_RH, direction.hidden))
    return gradients
