"""Prints the constants of a cell's kernel: how much there is, and where it is.

A product is one R with its blocks of rows; those of the cell come first, then the inner products.
The operand of a product is a previous state, or a value that an earlier stage has computed.
"""

from collections.abc import Iterable, Sequence

from seqtag.recurrent.compiler.graph import input_node
from seqtag.recurrent.compiler.plan import Plan

PER = ("unit", "sequence", "step")  # UNIT_PER: what a vector has one value for, of each unit


def print_layout(plan: Plan, initial: Sequence[str]) -> list[str]:
    """Return the lines of C++; `initial` are the default initial states as expressions."""
    return [*_sizes(plan), *_states(plan, initial), *_products(plan), *_stages(plan)]


def _sizes(plan: Plan) -> list[str]:
    sizes = {
        "SLOTS": len(plan.slots),
        "INPUTS": len(plan.input_slots),
        "STATES": len(plan.states),
        "UNITS": len(plan.cell.vectors),
        "KEPT": len(plan.kept),
        "OPERANDS": len(plan.operands),
        "SHOWN": len(plan.shown),
        "PRODUCTS": len(plan.product_slots) + len(plan.operands),
    }
    for prefix, stages in (("", plan.forward), ("BACK_", plan.backward)):
        sizes[f"{prefix}STAGES"] = stages.count
        sizes[f"{prefix}SCALARS"] = len(stages.scalars)
        sizes[f"{prefix}REDUCTIONS"] = len(stages.reductions)
        sizes[f"{prefix}TEMPORARIES"] = len(stages.temporaries)
    return [f"constexpr int {name} = {size};" for name, size in sizes.items()]


def _states(plan: Plan, initial: Sequence[str]) -> list[str]:
    reads = plan.backward_reads()
    prev = [input_node(("state", name)) in reads for name in plan.states]
    return [
        _array("int", "INPUT_SLOT", plan.input_slots),
        _array("S", "INITIAL", initial),
        _array("int", "UNIT_PER", [PER.index(v.per) for v in plan.cell.vectors] or [0]),
        _flags("BACK_READS_PREV", prev),
        _flags("BACK_READS_NEXT", [node in reads for node in plan.states.values()]),
        _flags("CARRIES", [plan.carries(name) for name in plan.states]),
    ]


def _products(plan: Plan) -> list[str]:
    """Return where each product reads and what it adds to, in both passes."""
    states, operands = plan.cell.states, list(plan.operands)
    slots = [*plan.product_slots, *((slot,) for slot in plan.inner_slots.values())]
    forward = [plan.forward.level[plan.slot_nodes[group[0]]] for group in slots]
    sources = [states.index(product.state) for product in plan.cell.products]
    arriving = {n.label: n for n in plan.backward.level if n.op == "inner_gradient"}
    back = [0] * len(sources)
    back += [plan.backward.level[arriving[g]] if g in arriving else -1 for g in operands]
    to = [
        *sources,
        *(back[len(sources) :][:i].count(back[len(sources) + i]) for i in range(len(operands))),
    ]
    sums = [_sums_of(plan, stage) for stage in range(plan.forward.count)]
    sum_of = [
        [sums[stage].index(slot) for slot in group]
        for stage, group in zip(forward, slots, strict=True)
    ]
    return [
        _array("int", "PRODUCT_STAGE", forward or [-1]),
        _array(
            "int",
            "PRODUCT_SOURCE",
            [*sources, *(len(states) + i for i in range(len(operands)))] or [0],
        ),
        _array("int", "PRODUCT_SIZE", [len(group) for group in slots] or [0]),
        _rows("int", "PRODUCT_SLOT", "SLOTS", slots),
        _rows("int", "PRODUCT_SUM", "SLOTS", sum_of),
        _array("int", "BACK_STAGE", back or [-1]),
        _array("int", "BACK_SUM", to or [0]),
    ]


def _sums_of(plan: Plan, stage: int) -> list[int]:
    """Return the slots that products add to in a stage of the forward pass."""
    level = plan.forward.level
    return [s for s in plan.summed_slots if level.get(plan.slot_nodes[s], 0) == stage]


def _stages(plan: Plan) -> list[str]:
    sums = [_sums_of(plan, stage) for stage in range(plan.forward.count)]
    inputs = [
        [plan.input_slots.index(slot) if slot in plan.input_slots else -1 for slot in group]
        for group in sums
    ]
    level = plan.backward.level
    inner = [level[node] for node in level if node.op == "inner_gradient"]
    back = [len(plan.states), *(inner.count(stage) for stage in range(1, plan.backward.count))]
    units = [plan.grad_units.get(vector.name) for vector in plan.cell.vectors]
    added = [level[node] if node else -1 for node in (*plan.grad_slots, *units)]
    adds = [[at == stage for at in added] for stage in range(plan.backward.count)]
    return [
        _array("int", "SUMS", [len(group) for group in sums]),
        _rows("int", "SUM_INPUT", "SLOTS", inputs),
        _array("int", "BACK_SUMS", back),
        _rows(
            "bool", "BACK_ADDS", "SLOTS + UNITS", [[str(f).lower() for f in row] for row in adds]
        ),
    ]


def _array(kind: str, name: str, values: Iterable[object]) -> str:
    return f"constexpr {kind} {name}[] = {{{', '.join(map(str, values))}}};"


def _flags(name: str, values: Iterable[bool]) -> str:
    return _array("bool", name, (str(value).lower() for value in values))


def _rows(kind: str, name: str, width: str, rows: Sequence[Sequence[object]]) -> str:
    """Return an array of arrays, each filled up with 0."""
    texts = [f"{{{', '.join(map(str, row))}}}" for row in rows] or ["{0}"]
    return f"constexpr {kind} {name}[][{width}] = {{{', '.join(texts)}}};"
