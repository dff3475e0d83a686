"""Prints the generated functions of a plan as Triton."""

from collections.abc import Mapping, Sequence

from seqtag.recurrent.compiler.graph import Node, walk
from seqtag.recurrent.triton.stage import Body

TEMPLATES = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negate": "-{}",
    "sigmoid": "sigmoid({})",
    "log_sigmoid": "log_sigmoid({})",
    "tanh": "tanh({})",
    "sqrt": "tl.sqrt({})",
    "exp": "tl.exp({})",
    "sin": "sin({})",
    "cos": "cos({})",
    "relu": "tl.maximum({}, 0.0)",
    "maximum": "tl.maximum({}, {})",
    "at_least": "tl.where({} >= {}, 1.0, 0.0)",
    "above": "tl.where({} > {}, 1.0, 0.0)",
}
HEAD = '''"""Generated from a cell's step."""

import triton
import triton.language as tl

from seqtag.recurrent.triton.functions import cos, log_sigmoid, sigmoid, sin, tanh
'''


def print_module(forward: Sequence[Body], backward: Sequence[Body]) -> str:
    """Return the source of a module with the functions of both passes.

    These are `forward_values`, `forward_scalars`, `backward_values` and `backward_scalars`, as the
    skeleton calls them: the last argument is the number of the stage.
    """
    parts = [HEAD]
    for name, bodies in (("forward", forward), ("backward", backward)):
        functions = [(body.values, body.value_names) for body in bodies]
        parts += _print_stages(f"{name}_values", "sums, reads, scalars", functions)
        functions = [(body.scalars, body.scalar_names) for body in bodies]
        parts += _print_stages(f"{name}_scalars", "reduced, scalars", functions)
    return "\n\n".join(parts) + "\n"


def _print_stages(
    name: str, arguments: str, functions: Sequence[tuple[Sequence[Node], Mapping[Node, str]]]
) -> list[str]:
    """Return a function for each stage, and the one that calls that of a given stage."""
    parts = [
        print_function(f"{name}_{stage}({arguments})", results, names)
        for stage, (results, names) in enumerate(functions)
    ]
    lines = ["@triton.jit", f"def {name}({arguments}, stage: tl.constexpr):"]
    for stage in range(len(functions)):
        lines.append(f"    {'elif' if stage else 'if'} stage == {stage}:")
        lines.append(f"        results = {name}_{stage}({arguments})")
    return [*parts, "\n".join([*lines, "    return results"])]


def print_function(signature: str, results: Sequence[Node], names: Mapping[Node, str]) -> str:
    """Return the source of a function that returns a tuple.

    Args:
        signature: name and arguments.
        results: the expressions to return.
        names: the text of what is available.
    """
    nodes = list(walk(results, stop=names.__contains__))
    done: dict[Node, str] = {}
    lines = []
    for node in nodes:
        if node.op == "constant":
            # A literal takes the shape of what it meets.
            done[node] = number(node.label)
            continue
        if node in names:
            text = names[node]
        elif node.op in TEMPLATES:
            text = TEMPLATES[node.op].format(*(done[arg] for arg in node.args))
        else:
            raise ValueError(f"no argument for {node.op} {node.label}")
        done[node] = f"v{len(lines)}"
        lines.append(f"    {done[node]} = {text}")
    values = "".join(f"{done[node]}, " for node in results).strip()
    return "\n".join(["@triton.jit", f"def {signature}:", *lines, f"    return ({values})"])


def number(value: float) -> str:
    """Return a number as an expression in Python."""
    if abs(value) == float("inf"):
        return f'float("{value}")'
    return repr(value) if value >= 0 else f"({value!r})"
