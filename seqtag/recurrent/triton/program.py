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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from seqtag.recurrent.compiler.graph import input_node
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

    def vectors(self, plan: Plan) -> dict:
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
    operand_place = fields.NOW if keep else fields.SEQUENCE
    now, before, sources = {}, {}, buffers.vectors(plan)
    for name in plan.states:
        whole = is_whole(plan, name, keep)
        path = f"path {name}"
        now[name] = buffers.field(path, 0, fields.NOW if whole else fields.NOW_OF_TWO)
        before[name] = buffers.field(path, 0, fields.BEFORE if whole else fields.BEFORE_OF_TWO)
        sources[input_node(("state", name))] = Source((), (before[name],))
    operands = [buffers.field("operand", i, operand_place) for i, _ in enumerate(plan.operands)]
    products: dict[int, list[tuple[Field, int]]] = {slot: [] for slot in range(len(plan.slots))}
    for number, block in enumerate(blocks_of(plan)):
        inner = block.product is None
        operand = operands[block.gate] if inner else before[plan.cell.products[block.product].state]
        products[block.slot].append((operand, number))
    sums = {}
    for slot, node in enumerate(plan.slot_nodes):
        gates = [gate for gate, to in enumerate(plan.input_slots) if to == slot]
        read = tuple(buffers.field("input", gate, fields.NOW) for gate in gates)
        (sums if products[slot] else sources)[node] = Source(tuple(products[slot]), read)
    written = {node: now[name] for name, node in plan.states.items()}
    written |= dict(zip(plan.operands.values(), operands, strict=True))
    results = [(node, now[name]) for name, node in plan.states.items()]
    finals = enumerate(plan.states.values())
    results += [(node, buffers.field("final", i, fields.END)) for i, node in finals]
    results += list(zip(plan.operands.values(), operands, strict=True))
    shown = enumerate(plan.shown)
    results += [(plan.values[name], buffers.field("shown", i, fields.NOW)) for i, name in shown]
    kept = [(node, buffers.field("kept", i, fields.NOW)) for i, node in enumerate(plan.kept)]
    steps = Steps(
        stages=plan.forward,
        known=sources,
        sums=sums,
        written=written,
        results=[*results, *kept],
        unused=() if keep else [field for _, field in kept],
        between=buffers.numbers["between"],
        saved=_saved(plan) if keep else {},
    )
    return _pass(plan, buffers, steps, backward=False)


def backward_pass(plan: Plan) -> Pass:
    """Return the backward pass."""
    units = sum(vector.per == "unit" for vector in plan.cell.vectors)
    others = {"output": 1, "slot": len(plan.slots), "carry": len(plan.states), "vector": units}
    buffers = _Buffers(plan, {**others, "between": count_between(plan.backward)})
    sources = buffers.vectors(plan)
    for name, node in plan.states.items():
        sources[input_node(("state", name))] = buffers.read(f"path {name}", 0, fields.BEFORE)
        sources[node] = buffers.read(f"path {name}", 0, fields.NOW)
    for kind, nodes in (
        ("operand", plan.operands.values()),
        ("kept", plan.kept),
        ("shown", [input_node(("shown", name)) for name in plan.shown]),
    ):
        for i, node in enumerate(nodes):
            sources[node] = buffers.read(kind, i, fields.NOW)
    blocks = list(enumerate(blocks_of(plan)))
    sums = {}
    for i, name in enumerate(plan.states):
        through = tuple(
            (buffers.field("slot", block.slot, fields.AFTER), number)
            for number, block in blocks
            if block.product is not None and plan.cell.products[block.product].state == name
        )
        place = fields.SEQUENCE if plan.carries(name) else fields.END
        arriving = [buffers.field("carry", i, place)]
        if i == 0:
            arriving.append(buffers.field("output", 0, fields.NOW))
        sums[input_node(("new", name))] = Source(through, tuple(arriving))
    inner = {gate: (slot, i) for i, (gate, slot) in enumerate(plan.inner_slots.items())}
    for node in plan.backward.level:
        if node.op == "inner_gradient":
            slot, gate = inner[node.label]
            number = next(n for n, b in blocks if b.product is None and b.gate == gate)
            sums[node] = Source(((buffers.field("slot", slot, fields.NOW), number),), ())
    slots = enumerate(plan.grad_slots)
    results = [(node, buffers.field("slot", i, fields.NOW)) for i, node in slots]
    for i, name in enumerate(plan.states):
        if plan.carries(name):
            at = buffers.field("carry", i, fields.SEQUENCE)
            results.append((plan.grad_states[name], at))
    vectors = [vector.name for vector in plan.cell.vectors if vector.per == "unit"]
    for name, node in plan.grad_units.items():
        results.append((node, buffers.field("vector", vectors.index(name), fields.TOTAL)))
    steps = Steps(
        stages=plan.backward,
        known=sources,
        sums=sums,
        written={},
        results=results,
        unused=(),
        between=buffers.numbers["between"],
        given=_saved(plan),
    )
    return _pass(plan, buffers, steps, backward=True)


def _saved(plan: Plan) -> dict:
    """Return the columns of the scalars that the backward pass reads."""
    reads = plan.backward_reads()
    nodes = [node for node in plan.forward.scalars if node in reads]
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
