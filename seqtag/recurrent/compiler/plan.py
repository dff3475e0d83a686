"""The plan of a cell: expressions for one step and for its derivative.

Every engine that prints or interprets a cell starts from its plan. A slot is a sum that matrix
products accumulate. If a step uses only the sum W x + R h' of a gate, the gate has one slot; if it
uses the two parts separately (the candidate of a GRU), each part has its own slot.

A step that multiplies values which it computes by an R (inner products), or that combines units
(reductions), is run in several stages: see `stages.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Any

from seqtag.cells import Cell
from seqtag.errors import InputError
from seqtag.recurrent.compiler.cut import values_to_keep
from seqtag.recurrent.compiler.derivative import gradients
from seqtag.recurrent.compiler.graph import (
    Node,
    as_node,
    fresh_nodes,
    input_node,
    is_constant,
    substitute,
    walk,
)
from seqtag.recurrent.compiler.stages import RUNNING, Stages, cut_into_stages, uniform_nodes


@dataclass(frozen=True)
class Plan:
    """The computations of one step, forwards and backwards.

    Inputs are named ("slot", name), ("state", name) for previous states and ("unit", name);
    backwards also ("new", name) for the gradient at a new state, and ("shown", name) for that at
    a value which the layer returns.

    Attributes:
        cell: the cell.
        slots: names of the slots, in order.
        slot_nodes: for each slot the node that it stands for: the input ("slot", name), or, for an
            inner product, the product or its sum with W x.
        input_slots: for each of the cell's gates, the number of the slot that W x goes to.
        product_slots: for each of the cell's products and each of its gates, the slot of R s'.
        operands: the values that inner products multiply, by gate.
        inner_slots: the slots of inner products, by gate.
        values: all values that the step returns, by name.
        states: new states, by name.
        shown: names of the values that the layer returns for all steps, in addition to its output.
        kept: values that the backward pass needs and cannot recompute.
        grad_slots: gradients at the slots, in order.
        grad_states: gradients at previous states, by name, without those through products.
        grad_units: gradients at the vectors in one row, by name; masks have none.
    """

    cell: Cell
    slots: tuple[str, ...]
    slot_nodes: tuple[Node, ...]
    input_slots: tuple[int, ...]
    product_slots: tuple[tuple[int, ...], ...]
    operands: Mapping[str, Node]
    inner_slots: Mapping[str, int]
    values: Mapping[str, Node]
    states: Mapping[str, Node]
    shown: tuple[str, ...]
    kept: tuple[Node, ...] = ()
    grad_slots: tuple[Node, ...] = ()
    grad_states: Mapping[str, Node] = field(default_factory=dict)
    grad_units: Mapping[str, Node] = field(default_factory=dict)

    @property
    def gradients(self) -> list[Node]:
        """All expressions of the backward pass."""
        return [*self.grad_slots, *self.grad_states.values(), *self.grad_units.values()]

    @property
    def summed_slots(self) -> tuple[int, ...]:
        """The slots that products with an R go to; the others hold W x alone."""
        summed = {*self.inner_slots.values(), *(s for slots in self.product_slots for s in slots)}
        return tuple(slot for slot in range(len(self.slots)) if slot in summed)

    @cached_property
    def forward(self) -> Stages:
        """The forward pass in stages."""
        scalars = [node for node in self.backward_reads() if node in self._uniform]
        return cut_into_stages(
            results=[*self._results, *self.kept, *scalars],
            sums={self.slot_nodes[slot] for slot in self.summed_slots},
            known={n for n in self.forward_reads() if n not in self.slot_nodes}
            | {n for s, n in enumerate(self.slot_nodes) if s not in self.summed_slots},
            written=[*self.states.values(), *self.operands.values()],
        )

    @cached_property
    def backward(self) -> Stages:
        """The backward pass in stages."""
        reads = self.backward_reads()
        sums = {input_node(("new", name)) for name in self.states}
        inner = {n for n in walk(self.gradients) if n.op == "inner_gradient"}
        return cut_into_stages(
            results=self.gradients,
            sums=sums | inner,
            known=reads - sums,
            uniform=reads & self._uniform,
        )

    @property
    def _results(self) -> list[Node]:
        """What the forward pass computes in any case."""
        shown = (self.values[name] for name in self.shown)
        return [*self.states.values(), *self.operands.values(), *shown]

    @cached_property
    def _uniform(self) -> frozenset[Node]:
        """The values of the forward pass that are the same for every unit."""
        return uniform_nodes(walk(self._results))

    def carries(self, state: str) -> bool:
        """Return whether the previous state gets a gradient other than through products."""
        return not is_constant(self.grad_states[state], 0)

    def is_stored(self, state: str) -> bool:
        """Return whether the backward pass reads the state at every step."""
        return state in self._stored

    @cached_property
    def _stored(self) -> frozenset[str]:
        reads = self.backward_reads()
        multiplied = {product.state for product in self.cell.products}
        return frozenset(
            name
            for name, node in self.states.items()
            if name in multiplied or node in reads or input_node(("state", name)) in reads
        )

    def backward_reads(self) -> set[Node]:
        """Return the inputs, kept values, scalars, operands and states for the backward pass."""
        available = {*self.kept, *self.states.values(), *self.operands.values(), *self._uniform}
        return {
            node
            for node in walk(self.gradients, stop=available.__contains__)
            if node in available or node.op == "input"
        }

    def forward_reads(self) -> set[Node]:
        """Return the inputs that results and kept values depend on."""
        return {n for n in walk([*self._results, *self.kept]) if n.op == "input"}

    def with_derivative(self) -> "Plan":
        """Return the plan with its gradients and the values to keep for them."""
        adjoints: dict[Node, Node] = {}
        arriving = [(node, ("new", name)) for name, node in self.states.items()]
        arriving += [(self.values[name], ("shown", name)) for name in self.shown]
        for node, label in arriving:
            grad = input_node(label)
            adjoints[node] = adjoints[node] + grad if node in adjoints else grad
        vectors = tuple(vector.name for vector in self.cell.vectors if vector.per == "unit")
        states = [input_node(("state", name)) for name in self.cell.states]
        units = [input_node(("unit", name)) for name in vectors]
        inputs = [*self.slot_nodes, *states, *units]
        found = gradients(adjoints, inputs)
        slots, rest = found[: len(self.slots)], found[len(self.slots) :]
        return replace(
            self,
            kept=self._values_kept(found),
            grad_slots=tuple(slots),
            grad_states=dict(zip(self.cell.states, rest, strict=False)),
            grad_units=dict(zip(vectors, rest[len(states) :], strict=True)),
        )

    def _values_kept(self, results: list[Node]) -> tuple[Node, ...]:
        """Return the forward values to keep for the backward pass."""
        available = {*self.states.values(), *self.operands.values(), *self._uniform}
        backward: set[Node] = set()  # nodes that depend on an arriving gradient
        for node in walk(results):
            arriving = node.op == "input" and node.label[0] in ("new", "shown")
            if arriving or any(arg in backward for arg in node.args):
                backward.add(node)
        needed = {n for n in results if n not in backward}
        for node in backward:
            needed.update(arg for arg in node.args if arg not in backward)
        kept = values_to_keep(
            needed,
            is_lost=lambda n: n in self.slot_nodes or n.op in RUNNING,
            is_free=lambda n: n in available or n.op == "constant" or _is_available(n),
        )
        return tuple(kept)


def _is_available(node: Node) -> bool:
    return node.op == "input" and node.label[0] in ("state", "unit")


class UncompilableStep(str):
    """Why a step cannot be traced although the cell does not declare it with `untraceable`."""


@cache
def why_untraceable(cell: Cell) -> str | None:
    """Return why a cell cannot be traced, or None if it can.

    The reason is the cell's `untraceable`, or an `UncompilableStep` made of the error.
    """
    if cell.untraceable:
        return cell.untraceable
    try:
        plan_of(cell)
    except (TypeError, AttributeError, ArithmeticError) as error:
        return UncompilableStep(
            f"its step uses an operation that cannot be compiled ({failed_operation(error)})"
        )
    return None


@cache
def why_not_elementwise(cell: Cell) -> str | None:
    """Return why a cell's step does not treat each unit by itself, or None if it does.

    Engines that run a step on all units at once, without stages, refuse a cell with a reason.
    """
    if reason := why_untraceable(cell):
        return reason
    if plan_of(cell).forward.count > 1:
        return "its step combines units, or multiplies values that it computes by an R"
    return None


def failed_operation(error: Exception) -> str:
    """Return the operation that failed on a symbol, or the error without internal names."""
    if isinstance(error, AttributeError) and isinstance(error.obj, Node):
        return f".{error.name}"
    function = re.match(r"(\w+)\(\): argument .* must be .*Tensor", str(error))
    if function and "Node" in str(error):
        return f"torch.{function[1]}"
    return str(error).replace("Node", "symbol")


@cache
@fresh_nodes()
def plan_of(cell: Cell, traces: bool = False) -> Plan:
    """Trace a cell's step and differentiate it.

    Args:
        cell: the cell.
        traces: whether the layer returns all values of the step.

    Raises:
        InputError: for an inner gate that is used for two products.
        TypeError, AttributeError: for a step that uses more than arithmetic and the functions of
            `seqtag.cells.functions`.
        ArithmeticError: for a step that, for example, divides by the constant 0.
    """
    gates, products = cell.gates, cell.products
    recurrent = dict.fromkeys(gate for product in products for gate in product.gates)
    state = {name: input_node(("state", name)) for name in cell.states}
    unit = {vector.name: input_node(("unit", vector.name)) for vector in cell.vectors}
    wx = {gate: input_node(("slot", f"{gate} of x")) for gate in gates}
    rh: dict[str, Any] = {gate: input_node(("slot", f"{gate} of h")) for gate in recurrent}
    inner = {gate: partial(_inner_product, gate) for gate in cell.inner_gates}
    returned = cell.step(wx, rh | inner, state, unit)
    values = {name: as_node(value) for name, value in returned.items()}
    merged = _merged_slots(wx, rh, list(values.values()))
    outputs = dict(zip(values, substitute(values.values(), merged), strict=True))
    inner_nodes = _inner_nodes(cell, list(outputs.values()))
    slots = _name_slots(wx, rh, merged, inner_nodes, list(outputs.values()))
    numbers = {name: number for number, name in enumerate(slots)}

    def slot_of(gate: str, part: str) -> int:
        return numbers[gate] if gate in numbers else numbers[f"{gate} of {part}"]

    return Plan(
        cell=cell,
        slots=tuple(slots),
        slot_nodes=tuple(slots.values()),
        input_slots=tuple(slot_of(gate, "x") for gate in gates),
        product_slots=tuple(tuple(slot_of(g, "h") for g in p.gates) for p in products),
        operands={gate: node.args[0] for gate, node in inner_nodes.items()},
        inner_slots={gate: slot_of(gate, "h") for gate in inner_nodes},
        values=outputs,
        states={name: outputs[name] for name in cell.states},
        shown=tuple(name for name in outputs if name != cell.states[0]) if traces else (),
    ).with_derivative()


def _inner_product(gate: str, value: Any) -> Node:
    return as_node(value).mixed("inner_product", gate)


def _inner_nodes(cell: Cell, outputs: list[Node]) -> dict[str, Node]:
    """Return the inner products by gate, in the order of the cell's inner gates."""
    found: dict[str, Node] = {}
    for node in walk(outputs):
        if node.op == "inner_product" and found.setdefault(node.label, node) is not node:
            raise InputError(
                f"cell {cell}: its step calls rh[{node.label!r}] for two values, a cycle of "
                "products; each inner gate multiplies one value of a step: name one inner gate "
                "for each"
            )
    for gate in cell.inner_gates:
        if gate not in found:
            raise InputError(f"cell {cell}: its step never calls rh[{gate!r}], an inner gate")
    return {gate: found[gate] for gate in cell.inner_gates}


def _users(nodes: list[Node]) -> dict[Node, list[Node]]:
    users: dict[Node, list[Node]] = {}
    for node in walk(nodes):
        for arg in node.args:
            users.setdefault(arg, []).append(node)
    return users


def _sum_of(x: Node, h: Node | None, users: Mapping[Node, list[Node]]) -> Node | None:
    """Return x + h if both are used only for this sum, else None."""
    used = [*users.get(x, ()), *users.get(h, ())] if h is not None else []
    summed = len(used) == 2 and used[0] is used[1] and used[0].op == "add"
    return used[0] if summed else None


def _merged_slots(
    wx: Mapping[str, Node], rh: Mapping[str, Node], outputs: list[Node]
) -> dict[Node, Node]:
    """Return slots to replace W x + R h' if a step only uses the sum."""
    users = _users(outputs)
    merged = {}
    for gate, x in wx.items():
        summed = _sum_of(x, rh.get(gate), users)
        if summed is not None and x not in outputs and rh[gate] not in outputs:
            merged[summed] = input_node(("slot", gate))
    return merged


def _name_slots(
    wx: Mapping[str, Node],
    rh: Mapping[str, Node],
    merged: Mapping[Node, Node],
    inner: Mapping[str, Node],
    outputs: list[Node],
) -> dict[str, Node]:
    """Return the slots, in order, by name, with the node that each stands for."""
    slots: dict[str, Node] = {}
    users = _users(outputs)
    sums = {node.label[1] for node in merged.values()}
    for gate, x in wx.items():
        summed = _sum_of(x, inner.get(gate), users)
        if gate in sums:
            slots[gate] = input_node(("slot", gate))
        elif summed is not None and x not in outputs and inner[gate] not in outputs:
            slots[gate] = summed
        else:
            parts = {f"{gate} of x": x, f"{gate} of h": rh.get(gate) or inner.get(gate)}
            slots |= {name: node for name, node in parts.items() if node is not None}
    others = {**rh, **inner}
    slots |= {f"{gate} of h": node for gate, node in others.items() if gate not in wx}
    return slots
