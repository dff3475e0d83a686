"""The plan of a cell: expressions for one step and for its derivative.

Every engine that prints or interprets a cell starts from its plan. A slot is a sum that matrix
products accumulate. If a step uses only the sum W x + R h' of a gate, the gate has one slot; if it
uses the two parts separately (the candidate of a GRU), each part has its own slot.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from seqtag.cells import Cell
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


@dataclass(frozen=True)
class Plan:
    """The computations of one step, forwards and backwards.

    Inputs are named ("slot", name), ("state", name) for previous states and ("unit", name);
    backwards also ("new", name) for the gradient at a new state.

    Attributes:
        cell: the cell.
        slots: names of the slots, in order.
        input_slots: for each of the cell's gates, the number of the slot that W x goes to.
        product_slots: for each of the cell's products and each of its gates, the slot of R s'.
        values: all values that the step returns, by name.
        states: new states, by name.
        kept: values that the backward pass needs and cannot recompute.
        grad_slots: gradients at the slots, in order.
        grad_states: gradients at previous states, by name, without those through products.
        grad_units: gradients at the vectors in one row, by name.
    """

    cell: Cell
    slots: tuple[str, ...]
    input_slots: tuple[int, ...]
    product_slots: tuple[tuple[int, ...], ...]
    values: Mapping[str, Node]
    states: Mapping[str, Node]
    kept: tuple[Node, ...]
    grad_slots: tuple[Node, ...]
    grad_states: Mapping[str, Node]
    grad_units: Mapping[str, Node]

    @property
    def gradients(self) -> list[Node]:
        """All expressions of the backward pass."""
        return [*self.grad_slots, *self.grad_states.values(), *self.grad_units.values()]

    def carries(self, state: str) -> bool:
        """Return whether the previous state gets a gradient other than through products."""
        return not is_constant(self.grad_states[state], 0)

    def is_stored(self, state: str) -> bool:
        """Return whether the backward pass reads the state at every step."""
        reads = self.backward_reads()
        multiplied = any(product.state == state for product in self.cell.products)
        return multiplied or self.states[state] in reads or input_node(("state", state)) in reads

    def backward_reads(self) -> set[Node]:
        """Return the inputs, kept values and states that the backward pass reads."""
        available = {*self.kept, *self.states.values()}
        return {
            node
            for node in walk(self.gradients, stop=available.__contains__)
            if node in available or node.op == "input"
        }

    def forward_reads(self) -> set[Node]:
        """Return the inputs that new states and kept values depend on."""
        return {n for n in walk([*self.states.values(), *self.kept]) if n.op == "input"}


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
def plan_of(cell: Cell) -> Plan:
    """Trace a cell's step and differentiate it.

    Raises:
        TypeError, AttributeError: for a step that uses more than arithmetic and the functions of
            `seqtag.cells.functions`.
        ArithmeticError: for a step that, for example, divides by the constant 0.
    """
    gates, products = cell.gates, cell.products
    recurrent = dict.fromkeys(gate for product in products for gate in product.gates)
    state = {name: input_node(("state", name)) for name in cell.states}
    unit = {vector.name: input_node(("unit", vector.name)) for vector in cell.vectors}
    wx = {gate: input_node(("slot", f"{gate} of x")) for gate in gates}
    rh = {gate: input_node(("slot", f"{gate} of h")) for gate in recurrent}
    values = {name: as_node(value) for name, value in cell.step(wx, rh, state, unit).items()}
    slots, merged = _merge_slots(wx, rh, list(values.values()))
    outputs = dict(zip(values, substitute(values.values(), merged), strict=True))
    numbers = {name: number for number, name in enumerate(slots)}

    def slot_of(gate: str, part: str) -> int:
        return numbers[gate] if gate in numbers else numbers[f"{gate} of {part}"]

    return _differentiate(
        cell=cell,
        slots=slots,
        input_slots=tuple(slot_of(gate, "x") for gate in gates),
        product_slots=tuple(tuple(slot_of(g, "h") for g in p.gates) for p in products),
        values=outputs,
    )


def _merge_slots(
    wx: Mapping[str, Node], rh: Mapping[str, Node], outputs: list[Node]
) -> tuple[tuple[str, ...], dict[Node, Node]]:
    """Return the names of the slots, and slots to replace W x + R h' if only the sum is used."""
    users: dict[Node, list[Node]] = {}
    for node in walk(outputs):
        for arg in node.args:
            users.setdefault(arg, []).append(node)
    slots, merged = [], {}
    for gate, x in wx.items():
        h = rh.get(gate)
        used = [*users.get(x, ()), *users.get(h, ())] if h is not None else []
        summed = len(used) == 2 and used[0] is used[1] and used[0].op == "add"
        if summed and x not in outputs and h not in outputs:
            merged[used[0]] = input_node(("slot", gate))
            slots.append(gate)
        else:
            slots += [n.label[1] for n in (x, h) if n is not None]
    slots += [h.label[1] for gate, h in rh.items() if gate not in wx]
    return tuple(slots), merged


def _differentiate(cell: Cell, values: Mapping[str, Node], **layout: Any) -> Plan:
    states = {name: values[name] for name in cell.states}
    adjoints: dict[Node, Node] = {}
    for name, node in states.items():
        arriving = input_node(("new", name))
        adjoints[node] = adjoints[node] + arriving if node in adjoints else arriving
    groups = {
        "slot": layout["slots"],
        "state": cell.states,
        "unit": tuple(vector.name for vector in cell.vectors),
    }
    inputs = [input_node((kind, name)) for kind, names in groups.items() for name in names]
    by_input = dict(zip(inputs, gradients(adjoints, inputs), strict=True))
    by_kind = {k: {n: by_input[input_node((k, n))] for n in names} for k, names in groups.items()}
    return Plan(
        cell=cell,
        values=values,
        states=states,
        kept=_values_kept(list(by_input.values()), states),
        grad_slots=tuple(by_kind["slot"].values()),
        grad_states=by_kind["state"],
        grad_units=by_kind["unit"],
        **layout,
    )


def _values_kept(results: list[Node], states: Mapping[str, Node]) -> tuple[Node, ...]:
    """Return the forward values to keep for the backward pass."""
    available = {*states.values()}

    def is_arriving_gradient(node: Node) -> bool:
        return node.op == "input" and node.label[0] == "new"

    backward: set[Node] = set()  # nodes that depend on an arriving gradient
    for node in walk(results):
        if is_arriving_gradient(node) or any(arg in backward for arg in node.args):
            backward.add(node)
    needed = {n for n in results if n not in backward}
    for node in backward:
        needed.update(arg for arg in node.args if arg not in backward)
    kept = values_to_keep(
        needed,
        is_lost=lambda n: n.op == "input" and n.label[0] == "slot",
        is_free=lambda n: n in available or n.op == "constant" or _is_available(n),
    )
    return tuple(kept)


def _is_available(node: Node) -> bool:
    return node.op == "input" and node.label[0] in ("state", "unit")
