"""The layout of a cell in the loop engine: an order of slots that needs few calls per step.

G gates, H hidden units. A buffer of slots holds blocks of H units next to each other. First come
those that W x is added to. Those that R s' is added to are contiguous if possible, and among them
slots with the same function.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.graph import Node, input_node, is_constant, walk
from seqtag.recurrent.compiler.plan import Plan, plan_of
from seqtag.recurrent.engines.loop.program import Place, Program, compile_program

SLOTS, GRADS = ("slots",), ("grads",)
FUNCTIONS = ("sigmoid", "log_sigmoid", "tanh", "exp", "relu")


@dataclass(frozen=True)
class Blocks:
    """Maps the blocks of a weight, one per gate, to blocks of a buffer.

    Attributes:
        first: the first block of the buffer.
        gates: the gate of each block from `first` on; None for a block without one.
    """

    first: int
    gates: tuple[int | None, ...]

    @property
    def in_order(self) -> bool:
        """Whether the weight can be used without reordering."""
        return self.gates == tuple(range(len(self.gates)))

    def columns(self, hidden: int) -> slice:
        """Return the columns of the buffer that the blocks cover."""
        return slice(self.first * hidden, (self.first + len(self.gates)) * hidden)

    def spread(self, weight: Tensor, hidden: int) -> Tensor:
        """Return a weight (G*H, ...) in the order of the buffer, 0 in blocks without a gate."""
        if self.in_order:
            return weight
        spread = weight.new_zeros(len(self.gates) * hidden, *weight.shape[1:])
        for block, part in zip(self.gates, spread.split(hidden), strict=True):
            if block is not None:
                part.copy_(weight[block * hidden : (block + 1) * hidden])
        return spread

    def collect(self, spread: Tensor, hidden: int) -> Tensor:
        """Return the weight in the order of its gates: the inverse of `spread`."""
        if self.in_order:
            return spread
        used = [block for block in self.gates if block is not None]
        weight = spread.new_empty(len(used) * hidden, *spread.shape[1:])
        for block, part in zip(self.gates, spread.split(hidden), strict=True):
            if block is not None:
                weight[block * hidden : (block + 1) * hidden] = part
        return weight


@dataclass(frozen=True)
class Layout:
    """A cell in the form that the loop engine runs.

    Attributes:
        plan: the plan of the cell.
        inputs: the blocks of the buffer for W.
        products: the blocks of the buffer for each R.
        forward: one step.
        backward: the derivative of one step.
        carried: states whose gradient `backward` passes to the previous step.
        units: vectors that have a gradient.
    """

    plan: Plan
    inputs: Blocks
    products: tuple[Blocks, ...]
    forward: Program
    backward: Program
    carried: frozenset[str]
    units: tuple[str, ...]

    @property
    def keeps_slots(self) -> bool:
        """Whether the backward pass reads the buffer of slots."""
        return any(place.buffer == SLOTS for place in self.forward.places.values())


@cache
def layout_of(cell: Cell) -> Layout:
    """Return the layout of a traceable cell."""
    plan = plan_of(cell)
    order = _order(plan)
    position = {slot: block for block, slot in enumerate(order)}
    slots = {
        input_node(("slot", plan.slots[slot])): Place(SLOTS, b) for slot, b in position.items()
    }
    forward = _forward(plan, slots)
    carried = frozenset(name for name in cell.states if plan.carries(name))
    units = tuple(name for name, node in plan.grad_units.items() if not is_constant(node, 0))
    return Layout(
        plan=plan,
        inputs=_blocks(plan.input_slots, position),
        products=tuple(_blocks(slots, position) for slots in plan.product_slots),
        forward=forward,
        backward=_backward(plan, forward, position, units),
        carried=carried,
        units=units,
    )


def _blocks(slots: tuple[int, ...], position: Mapping[int, int]) -> Blocks:
    """Return the blocks from the first to the last of the slots, one slot per gate."""
    gates = {position[slot]: gate for gate, slot in enumerate(slots)}
    first = min(gates)
    return Blocks(first, tuple(gates.get(block) for block in range(first, max(gates) + 1)))


def _order(plan: Plan) -> list[int]:
    """Return the slots in the order of the buffer."""
    users: dict[Node, list[Node]] = {}
    for node in walk([*plan.states.values(), *plan.kept]):
        for arg in node.args:
            users.setdefault(arg, []).append(node)

    def key(slot: int) -> tuple:
        products = [slot in slots for slots in plan.product_slots]
        kind = (slot not in plan.input_slots) * 2 + (slot in plan.input_slots and any(products))
        node: Node | None = input_node(("slot", plan.slots[slot]))
        while node is not None and node.op not in FUNCTIONS:
            node = users[node][0] if len(users.get(node, ())) == 1 else None
        return kind, products, node.op if node is not None else "", slot

    return sorted(range(len(plan.slots)), key=key)


def _inputs(plan: Plan) -> dict[Node, Place]:
    """Return the places of previous states and vectors, in either pass."""
    units = (vector.name for vector in plan.cell.vectors)
    return {
        **{input_node(("state", name)): Place(("before", name)) for name in plan.cell.states},
        **{input_node(("unit", name)): Place(("unit", name)) for name in units},
    }


def _forward(plan: Plan, slots: Mapping[Node, Place]) -> Program:
    results = {Place(("new", name)): node for name, node in plan.states.items()}
    known = {**_inputs(plan), **slots}
    return compile_program(results, known, keep=plan.kept, overwrite=slots)


def _backward(
    plan: Plan, forward: Program, position: Mapping[int, int], units: tuple[str, ...]
) -> Program:
    known = _inputs(plan)
    known |= {node: Place(("new", name)) for name, node in plan.states.items()}
    known |= forward.places
    known |= {input_node(("new", name)): Place(("arriving", name)) for name in plan.cell.states}
    results = {Place(GRADS, position[slot]): n for slot, n in enumerate(plan.grad_slots)}
    multiplied = {product.state for product in plan.cell.products}
    for number, (name, node) in enumerate(plan.grad_states.items()):
        place = Place(("carry", name))
        if number == 0:  # holds the gradient at the output already: add to it
            if plan.carries(name):
                known[input_node(("carry", name))] = place
                results[place] = input_node(("carry", name)) + node
        elif plan.carries(name) or name not in multiplied:
            results[place] = node
    for name in units:
        place = Place(("sum", name))
        known[input_node(("sum", name))] = place
        results[place] = input_node(("sum", name)) + plan.grad_units[name]
    return compile_program(results, known)
