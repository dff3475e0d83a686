"""Prints a plan as C++: constants for the layout of the cell, and two functions on registers.

The skeleton (folder `skeleton`) handles time, lengths, directions and products, and calls these.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from seqtag.recurrent.compiler.graph import Node, input_node, walk
from seqtag.recurrent.compiler.plan import Plan

# Each operation on registers; constants are first broadcast to a register.
TEMPLATES = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negate": "-{}",
    "sigmoid": "sigmoid({})",
    "log_sigmoid": "log_sigmoid({})",
    "tanh": "tangent({})",
    "exp": "exponential({})",
    "relu": "relu({})",
    "maximum": "maximum({}, {})",
    "at_least": "at_least({}, {})",
    "above": "above({}, {})",
}
SCALARS = {"float32": ("float", 1), "float64": ("double", 0)}
HEADERS_BEFORE_CELL = ("vector.h", "products.h", "outer.h", "schedule.h")
HEADERS_AFTER_CELL = ("forward.h", "backward.h", "gradients.h", "interface.h")


def print_kernel(plan: Plan, dtype: str) -> str:
    """Return the whole source of a cell's kernel for "float32" or "float64"."""
    scalar, single = SCALARS[dtype]
    head = f"#define S {scalar}\n#define SINGLE {single}\n"
    parts = (
        *map(_skeleton, HEADERS_BEFORE_CELL),
        print_cell(plan),
        *map(_skeleton, HEADERS_AFTER_CELL),
    )
    return "\n".join((head, *parts))


@cache
def _skeleton(name: str) -> str:
    return (files(__package__) / "skeleton" / name).read_text(encoding="utf-8")


def print_cell(plan: Plan) -> str:
    """Return the part of the source that depends on the cell."""
    return "\n".join(
        ("// Generated from the cell's step.", *_layout(plan), *_step_functions(plan), "")
    )


def print_function(
    signature: str, results: Mapping[str, Node], arguments: Mapping[Node, str]
) -> str:
    """Return the source of a function that computes results and assigns them to their places.

    Args:
        signature: the text before the body.
        results: expressions by the C++ place to assign them to.
        arguments: the C++ expression of each input, and possibly of other nodes.
    """
    names = dict(arguments)
    lines: list[str] = []
    for node in walk(results.values(), stop=names.__contains__):
        if node in names:
            continue
        if node.op == "input":
            raise ValueError(f"no argument for the input {node.label}")
        text = TEMPLATES.get(node.op, "all((S){})").format(
            *(names[arg] for arg in node.args) if node.args else (_number(node.label),)
        )
        names[node] = f"v{len(lines)}"
        lines.append(f"  V {names[node]} = {text};")
    lines += [f"  {place} = {names[node]};" for place, node in results.items()]
    return "\n".join((f"{signature} {{", *lines, "}"))


def _number(value: float) -> str:
    infinite = {float("inf"): "__builtin_inf()", float("-inf"): "-__builtin_inf()"}
    return infinite.get(value, repr(value))


def _layout(plan: Plan) -> list[str]:
    cell = plan.cell
    states, products = cell.states, plan.product_slots
    forward, backward = plan.forward_reads(), plan.backward_reads()
    slot_inputs = [
        plan.input_slots.index(slot) if slot in plan.input_slots else -1
        for slot in range(len(plan.slots))
    ]
    initial = [cell.initial_states.get(name, 0.0) for name in states]
    sizes = {
        "SLOTS": len(plan.slots),
        "INPUTS": len(plan.input_slots),
        "STATES": len(states),
        "UNITS": len(cell.vectors),
        "KEPT": len(plan.kept),
        "PRODUCTS": len(products),
    }
    flags = {
        "FORWARD_READS": [input_node(("state", name)) in forward for name in states],
        "BACK_READS_PREV": [input_node(("state", name)) in backward for name in states],
        "BACK_READS_NEXT": [plan.states[name] in backward for name in states],
        "CARRIES": [plan.carries(name) for name in states],
    }
    rows = [f"{{{', '.join(map(str, slots))}}}" for slots in products] or ["{0}"]
    return [
        *(f"constexpr int {name} = {size};" for name, size in sizes.items()),
        _array("int", "SLOT_INPUT", slot_inputs),
        _array("int", "INPUT_SLOT", plan.input_slots),
        _array("int", "PRODUCT_STATE", [states.index(p.state) for p in cell.products] or [0]),
        _array("int", "PRODUCT_SIZE", [len(slots) for slots in products] or [0]),
        f"constexpr int PRODUCT_SLOT[][SLOTS] = {{{', '.join(rows)}}};",
        _array("S", "INITIAL", [f"(S){_number(value)}" for value in initial]),
        *(_array("bool", name, [str(f).lower() for f in values]) for name, values in flags.items()),
    ]


def _array(kind: str, name: str, values: Sequence[object]) -> str:
    return f"constexpr {kind} {name}[] = {{{', '.join(map(str, values))}}};"


def _step_functions(plan: Plan) -> list[str]:
    states = list(plan.states)
    units = [vector.name for vector in plan.cell.vectors]
    inputs = {input_node(("state", name)): f"prev[{i}]" for i, name in enumerate(states)}
    inputs |= {input_node(("unit", name)): f"unit[{i}]" for i, name in enumerate(units)}
    slots = {input_node(("slot", name)): f"slots[{i}]" for i, name in enumerate(plan.slots)}
    forward = {f"next[{i}]": plan.states[name] for i, name in enumerate(states)}
    forward |= {f"kept[{i}]": node for i, node in enumerate(plan.kept)}
    available = {plan.states[name]: f"next[{i}]" for i, name in enumerate(states)}
    available |= {node: f"kept[{i}]" for i, node in enumerate(plan.kept)}
    arriving = {input_node(("new", name)): f"arriving[{i}]" for i, name in enumerate(states)}
    back = {f"slots[{i}]": node for i, node in enumerate(plan.grad_slots)}
    back |= {f"before[{i}]": plan.grad_states[s] for i, s in enumerate(states) if plan.carries(s)}
    back |= {f"units[{i}]": plan.grad_units[name] for i, name in enumerate(units)}
    return [
        print_function(
            "INLINE void forward_step(const V* slots, const V* prev, const V* unit,"
            " V* next, V* kept)",
            forward,
            {**inputs, **slots},
        ),
        print_function(
            "INLINE void backward_step(const V* prev, const V* next, const V* unit, const V* kept,"
            " const V* arriving, V* slots, V* before, V* units)",
            back,
            {**inputs, **available, **arriving},
        ),
    ]
