"""Prints a plan as C++: constants for the layout of the cell, and functions for each stage.

The skeleton (folder `skeleton`) handles time, lengths, directions and products, and calls these:
`forward_stage` and `backward_stage` for one sequence and one register of units; and before each
stage `forward_scalars` and `backward_scalars`, for one sequence, whose values are the same for
every unit. Their argument `at` gives access to what they read and write.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from seqtag.recurrent.compiler.graph import Node, input_node, walk
from seqtag.recurrent.compiler.layout import print_layout
from seqtag.recurrent.compiler.plan import Plan
from seqtag.recurrent.compiler.stages import RUNNING, Stages

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
    "sqrt": "square_root({})",
    "exp": "exponential({})",
    "sin": "sine({})",
    "cos": "cosine({})",
    "relu": "relu({})",
    "maximum": "maximum({}, {})",
    "at_least": "at_least({}, {})",
    "above": "above({}, {})",
}
SCALARS = {"float32": ("float", 1), "float64": ("double", 0)}
# How a reduction adds the values of a register of units, and how it completes the sum.
REDUCTIONS = {
    "sum_units": ("add", "sum"),
    "mean_units": ("add", "mean"),
    "max_units": ("add_largest", "largest"),
}
HEADERS_BEFORE_CELL = ("vector.h", "products.h", "outer.h", "schedule.h", "reductions.h")
HEADERS_AFTER_CELL = ("forward.h", "backward.h", "gradients.h", "interface.h")


def print_kernel(plan: Plan, dtype: str) -> str:
    """Return the whole source of a cell's kernel for "float32" or "float64"."""
    scalar, single = SCALARS[dtype]
    head = f"#define S {scalar}\n#define SINGLE {single}\n"
    parts = (
        *map(skeleton, HEADERS_BEFORE_CELL),
        print_cell(plan),
        *map(skeleton, HEADERS_AFTER_CELL),
    )
    return "\n".join((head, *parts))


@cache
def skeleton(name: str) -> str:
    """Return the text of a file of the skeleton."""
    return (files(__package__) / "skeleton" / name).read_text(encoding="utf-8")


def print_cell(plan: Plan) -> str:
    """Return the part of the source that depends on the cell."""
    starts = [plan.cell.initial_states.get(name, 0.0) for name in plan.states]
    initial = [f"(S){number(value)}" for value in starts]
    parts = *print_layout(plan, initial), *_forward(plan), *_backward(plan)
    return "\n".join(("// Generated from the cell's step.", *parts, ""))


Lines = list[tuple[str, Node]]  # statements, with "{}" in place of the value


def print_function(signature: str, results: Lines, arguments: Mapping[Node, str]) -> str:
    """Return the source of a function that computes results.

    Args:
        signature: the text before the body.
        results: the statements to print at the end, with the expressions that they take.
        arguments: the C++ expression of each input, and possibly of other nodes.
    """
    nodes = list(walk((node for _, node in results), stop=arguments.__contains__))
    used = [node for node in arguments if node in {*nodes}]
    names = {node: f"v{i}" for i, node in enumerate(used)}
    lines = [f"  V {names[node]} = {arguments[node]};" for node in used]
    for node in nodes:
        if node in names:
            continue
        if node.op == "input" or (node.op not in TEMPLATES and node.args):
            raise ValueError(f"no argument for {node.op} {node.label}")
        else:
            text = TEMPLATES.get(node.op, "all((S){})").format(
                *(names[arg] for arg in node.args) if node.args else (number(node.label),)
            )
        names[node] = f"v{len(lines)}"
        lines.append(f"  V {names[node]} = {text};")
    lines += [f"  {statement.format(names[node])};" for statement, node in results]
    return "\n".join((f"{signature} {{", *lines, "}"))


def number(value: float) -> str:
    """Return a number as a C++ expression."""
    infinite = {float("inf"): "__builtin_inf()", float("-inf"): "-__builtin_inf()"}
    return infinite.get(value, repr(value))


def _inputs(plan: Plan) -> dict[Node, str]:
    """Return how both passes read previous states and vectors."""
    prev = {input_node(("state", name)): f"at.prev({i})" for i, name in enumerate(plan.states)}
    units = (vector.name for vector in plan.cell.vectors)
    return prev | {input_node(("unit", name)): f"at.unit({i})" for i, name in enumerate(units)}


def _forward(plan: Plan) -> Iterator[str]:
    stages = plan.forward
    given = _inputs(plan)
    for gate, slot in enumerate(plan.input_slots):
        if slot not in plan.summed_slots:
            given[plan.slot_nodes[slot]] = f"at.input({gate})"
    results = [(f"at.set_next({i}, {{}})", node) for i, node in enumerate(plan.states.values())]
    results += [(f"at.set_kept({i}, {{}})", node) for i, node in enumerate(plan.kept)]
    operands = plan.operands.values()
    results += [(f"at.set_operand({i}, {{}})", node) for i, node in enumerate(operands)]
    results += [(f"at.set_shown({i}, {{}})", plan.values[n]) for i, n in enumerate(plan.shown)]
    written = {node: f"at.next({i})" for i, node in enumerate(plan.states.values())}
    written |= {node: f"at.operand({i})" for i, node in enumerate(operands)}
    sums = [plan.slot_nodes[slot] for slot in plan.summed_slots]
    yield from _stages("forward", stages, results, given, written, sums)


def _backward(plan: Plan) -> Iterator[str]:
    given = _inputs(plan)
    given |= {node: f"at.next({i})" for i, node in enumerate(plan.states.values())}
    given |= {node: f"at.operand({i})" for i, node in enumerate(plan.operands.values())}
    given |= {node: f"at.kept({i})" for i, node in enumerate(plan.kept)}
    given |= {node: f"at.forward_scalar({i})" for i, node in enumerate(plan.forward.scalars)}
    given |= {input_node(("shown", name)): f"at.shown({i})" for i, name in enumerate(plan.shown)}
    results = [(f"at.set_slot({i}, {{}})", node) for i, node in enumerate(plan.grad_slots)]
    results += [
        (f"at.set_before({i}, {{}})", plan.grad_states[name])
        for i, name in enumerate(plan.states)
        if plan.carries(name)
    ]
    numbers = {vector.name: i for i, vector in enumerate(plan.cell.vectors)}
    results += [(f"at.add_unit({numbers[n]}, {{}})", node) for n, node in plan.grad_units.items()]
    sums = [input_node(("new", name)) for name in plan.states]
    sums += [node for node in plan.backward.level if node.op == "inner_gradient"]
    yield from _stages("backward", plan.backward, results, given, {}, sums)


def _stages(
    name: str,
    stages: Stages,
    results: Lines,
    given: Mapping[Node, str],
    written: Mapping[Node, str],
    sums: list[Node],
) -> Iterator[str]:
    """Yield the functions of each stage.

    Args:
        name: "forward" or "backward".
        stages: the stages.
        results: the statements of all stages.
        given: how to read what is available in every stage.
        written: how later stages read results.
        sums: what products accumulate, in order within each stage.
    """
    level = stages.level
    scalars = {node: f"at.scalar({i})" for i, node in enumerate(stages.scalars)}
    reduced = {node: i for i, node in enumerate(stages.reductions)}
    for stage in range(stages.count):
        now = [node for node in stages.scalars if level[node] == stage]
        complete = {n: f"at.{REDUCTIONS[n.op][1]}({reduced[n]})" for n in now if n in reduced}
        lines = [(f"at.set_scalar({stages.scalars.index(n)}, {{}})", n) for n in now]
        earlier = {n: text for n, text in scalars.items() if level[n] < stage}
        running = [
            f"  at.{node.op}({i});"
            for i, node in enumerate(stages.temporaries)
            if node.op in RUNNING and level[node] == stage
        ]
        signature = (
            f"template <typename At>\nINLINE void {name}_scalars(Size<{stage}>, const At& at)"
        )
        text = print_function(signature, lines, {**given, **earlier, **complete})
        yield text[:-1] + "\n".join([*running, "}"])
        here = [node for node in sums if node in level and level[node] == stage]
        available = {n: text for n, text in scalars.items() if level[n] <= stage}
        available |= {n: text for n, text in written.items() if level[n] < stage}
        available |= {
            n: f"at.temporary({i})"
            for i, n in enumerate(stages.temporaries)
            if level[n] < stage + (n.op in RUNNING)
        }
        available |= {**given, **{node: f"at.sum({i})" for i, node in enumerate(here)}}
        lines = [(text, node) for text, node in results if level.get(node, 0) == stage]
        lines += [
            (f"at.{REDUCTIONS[n.op][0]}({i}, {{}})", n.args[0])
            for n, i in reduced.items()
            if level[n] == stage + 1
        ]
        for i, n in enumerate(stages.temporaries):
            value = n.args[0] if n.op in RUNNING else n
            if level[n] == stage + (n.op in RUNNING):
                lines.append((f"at.set_temporary({i}, {{}})", value))
        yield print_function(
            f"template <typename At>\nINLINE void {name}_stage(Size<{stage}>, const At& at)",
            lines,
            available,
        )
