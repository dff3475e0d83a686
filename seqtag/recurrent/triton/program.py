"""The constants of both passes of a plan, and what their generated functions compute.

Buffers of the forward pass by name; those marked T have a row per step, the others one per
sequence:

    input      T  W x + b, by gate
    unit          the cell's vectors, one row per direction
    sequence      masks with one value per sequence
    step       T  masks with one value per step
    path NAME  T  a state, first the output; of two steps if the backward pass does not read it
    final         states after the last step
    kept       T  values for the backward pass
    operand    T  what inner products multiply; without a backward pass one row per sequence
    shown      T  values that the layer returns for all steps
    between       values for a later stage of the same step

The backward pass reads `kept` and `operand`, and has these in place of `input` and `final`:

    output     T  the gradient of the output
    shown      T  gradients of shown values
    slot       T  gradients of slots, which it writes
    carry         what arrives at the states: gradients of final states, at the end of initial ones
    vector        gradients of the cell's vectors, one row per tile of sequences
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seqtag.recurrent.compiler.graph import Node, input_node
from seqtag.recurrent.compiler.plan import Plan
from seqtag.recurrent.triton import fields
from seqtag.recurrent.triton.fields import Field, Program
from seqtag.recurrent.triton.stage import Body, Source, Steps, build_stages, count_between

PLACES = {"unit": fields.UNIT, "sequence": fields.SEQUENCE, "step": fields.NOW}


@dataclass(frozen=True)
class Pass:
    """One pass.

    program: its constants.
    bodies: what its generated functions compute, by stage.
    buffers: the width of each buffer by name, in order.
    """

    program: Program
    bodies: tuple[Body, ...]
    buffers: Mapping[str, int]


class _Buffers:
    """The buffers of a pass: fields by the buffer's name."""

    def __init__(self, plan: Plan, others: Mapping[str, int]):
        kinds = [vector.per for vector in plan.cell.vectors]
        paths = {f"path {name}": 1 for name in plan.states}
        masks = {kind: kinds.count(kind) for kind in PLACES}
        own = {"kept": len(plan.kept), "operand": len(plan.operands), "shown": len(plan.shown)}
        self.widths = {**masks, **paths, **own, **others}
        self.numbers = {name: number for number, name in enumerate(self.widths)}

    def field(self, name: str, column: int, place: int) -> Field:
        return Field(self.numbers[name], column, place)

    def read(self, name: str, column: int, place: int) -> Source:
        return Source((), (self.field(name, column, place),))

    def vectors(self, plan: Plan) -> dict[Node, Source]:
        """Return how to read the cell's vectors and masks."""
        columns = dict.fromkeys(PLACES, 0)
        sources = {}
        for vector in plan.cell.vectors:
            at = self.read(vector.per, columns[vector.per], PLACES[vector.per])
            sources[input_node(("unit", vector.name))] = at
            columns[vector.per] += 1
        return sources


class Block(NamedTuple):
    """A block (H, H) of a recurrent matrix: what it multiplies, and the slot that it adds to.

    product: the number of the product among those of the cell; None for an inner product.
    gate: the number of the block among those of this product, or of the inner products.
    """

    product: int | None
    gate: int
    slot: int


def blocks_of(plan: Plan) -> list[Block]:
    """Return the blocks of all recurrent matrices in the order in which the kernel numbers them."""
    own = [
        Block(product, gate, slot)
        for product, slots in enumerate(plan.product_slots)
        for gate, slot in enumerate(slots)
    ]
    return [*own, *(Block(None, i, slot) for i, slot in enumerate(plan.inner_slots.values()))]


def is_whole(plan: Plan, state: str, keep: bool) -> bool:
    """Return whether a state is stored at every step."""
    return state == plan.cell.states[0] or (keep and plan.is_stored(state))


def forward_pass(plan: Plan, keep: bool) -> Pass:
    """Return the forward pass.

    Args:
        plan: the plan.
        keep: whether a backward pass follows.
    """
    others = {"input": len(plan.input_slots), "final": len(plan.states)}
    buffers = _Buffers(plan, {**others, "between": count_between(plan.forward)})
    now, before = {}, {}
    for name in plan.states:
        whole = is_whole(plan, name, keep)
        path = f"path {name}"
        now[name] = buffers.field(path, 0, fields.NOW if whole else fields.NOW_OF_TWO)
        before[name] = buffers.field(path, 0, fields.BEFORE if whole else fields.BEFORE_OF_TWO)
    place = fields.NOW if keep else fields.SEQUENCE
    operands = [buffers.field("operand", i, place) for i, _ in enumerate(plan.operands)]
    known = buffers.vectors(plan)
    known |= {input_node(("state", name)): Source((), (at,)) for name, at in before.items()}
    slots = _slots(plan, buffers, before, operands)
    results = [(node, now[name]) for name, node in plan.states.items()]
    results += list(zip(plan.operands.values(), operands, strict=True))
    written = dict(results)
    finals = enumerate(plan.states.values())
    results += [(node, buffers.field("final", i, fields.END)) for i, node in finals]
    shown = enumerate(plan.shown)
    results += [(plan.values[name], buffers.field("shown", i, fields.NOW)) for i, name in shown]
    kept = [(node, buffers.field("kept", i, fields.NOW)) for i, node in enumerate(plan.kept)]
    steps = Steps(
        stages=plan.forward,
        known=known | {node: source for node, source in slots.items() if not source.products},
        sums={node: source for node, source in slots.items() if source.products},
        written=written,
        results=[*results, *kept],
        unused=() if keep else [field for _, field in kept],
        between=buffers.numbers["between"],
        saved=_saved(plan) if keep else {},
    )
    return _pass(plan, buffers, steps, backward=False)


def _slots(
    plan: Plan, buffers: _Buffers, before: Mapping[str, Field], operands: Sequence[Field]
) -> dict[Node, Source]:
    """Return how to obtain the slots: sums of products with previous states or operands, and W x.

    Args:
        plan: the plan.
        buffers: the buffers.
        before: the previous states.
        operands: the operands of inner products.
    """
    products: dict[int, list[tuple[Field, int]]] = {slot: [] for slot in range(len(plan.slots))}
    for number, block in enumerate(blocks_of(plan)):
        if block.product is None:
            operand = operands[block.gate]
        else:
            operand = before[plan.cell.products[block.product].state]
        products[block.slot].append((operand, number))
    sources = {}
    for slot, node in enumerate(plan.slot_nodes):
        gates = [gate for gate, to in enumerate(plan.input_slots) if to == slot]
        inputs = tuple(buffers.field("input", gate, fields.NOW) for gate in gates)
        sources[node] = Source(tuple(products[slot]), inputs)
    return sources


def backward_pass(plan: Plan) -> Pass:
    """Return the backward pass."""
    vectors = [vector.name for vector in plan.cell.vectors if vector.per == "unit"]
    others = {"output": 1, "slot": len(plan.slots), "carry": len(plan.states)}
    others |= {"vector": len(vectors), "between": count_between(plan.backward)}
    buffers = _Buffers(plan, others)
    known = buffers.vectors(plan)
    for name, node in plan.states.items():
        known[input_node(("state", name))] = buffers.read(f"path {name}", 0, fields.BEFORE)
        known[node] = buffers.read(f"path {name}", 0, fields.NOW)
    shown = [input_node(("shown", name)) for name in plan.shown]
    for kind, nodes in (
        ("operand", plan.operands.values()),
        ("kept", plan.kept),
        ("shown", shown),
    ):
        known |= {node: buffers.read(kind, i, fields.NOW) for i, node in enumerate(nodes)}
    slots = enumerate(plan.grad_slots)
    results = [(node, buffers.field("slot", i, fields.NOW)) for i, node in slots]
    for i, name in enumerate(plan.states):
        if plan.carries(name):
            results.append((plan.grad_states[name], buffers.field("carry", i, fields.SEQUENCE)))
    for name, node in plan.grad_units.items():
        results.append((node, buffers.field("vector", vectors.index(name), fields.TOTAL)))
    steps = Steps(
        stages=plan.backward,
        known=known,
        sums=_arriving(plan, buffers),
        written={},
        results=results,
        unused=(),
        between=buffers.numbers["between"],
        given=_saved(plan),
    )
    return _pass(plan, buffers, steps, backward=True)


def _arriving(plan: Plan, buffers: _Buffers) -> dict[Node, Source]:
    """Return how to obtain the gradients at new states and at operands.

    At a state arrive the gradients through the next step's products, what the next step carries
    back, or at the last step the gradient of the final state, and at the output its own gradient.
    """
    blocks = list(enumerate(blocks_of(plan)))
    sources = {}
    for i, name in enumerate(plan.states):
        through = tuple(
            (buffers.field("slot", block.slot, fields.AFTER), number)
            for number, block in blocks
            if block.product is not None and plan.cell.products[block.product].state == name
        )
        place = fields.SEQUENCE if plan.carries(name) else fields.END
        parts = [buffers.field("carry", i, place)]
        if i == 0:
            parts.append(buffers.field("output", 0, fields.NOW))
        sources[input_node(("new", name))] = Source(through, tuple(parts))
    inner = {
        gate: (buffers.field("slot", block.slot, fields.NOW), number)
        for gate, (number, block) in zip(
            plan.inner_slots, ((n, b) for n, b in blocks if b.product is None), strict=True
        )
    }
    for node in plan.backward.level:
        if node.op == "inner_gradient":
            sources[node] = Source((inner[node.label],), ())
    return sources


def _saved(plan: Plan) -> dict[Node, int]:
    """Return the columns of the scalars that the backward pass reads."""
    reads = plan.backward_reads()
    nodes = (node for node in plan.forward.scalars if node in reads)
    return {node: column for column, node in enumerate(nodes)}


def _pass(plan: Plan, buffers: _Buffers, steps: Steps, backward: bool) -> Pass:
    stages, bodies = build_stages(steps)
    program = Program(
        stages=stages,
        widths=tuple(buffers.widths.values()),
        blocks=len(blocks_of(plan)),
        saved=len(_saved(plan)),
        given=tuple(steps.given.values()),
        backward=backward,
    )
    return Pass(program, bodies, buffers.widths)
