"""Prints the step of a cell as ONNX operators, one for each operation of its expression graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from seqtag.cells import Cell
from seqtag.errors import InputError
from seqtag.export.graph import FLOAT, Graph
from seqtag.recurrent.compiler.graph import Node, as_node, fresh_nodes, input_node, walk
from seqtag.recurrent.compiler.plan import failed_operation

# The product of a matrix R with a value of the step; the node's label is the gate.
INNER = "inner_product"


def _operator(name: str) -> Callable[..., str]:
    return lambda graph, *args: graph.op(name, *args)


def _log_sigmoid(graph: Graph, v: str) -> str:
    return graph.op("Neg", graph.op("Softplus", graph.op("Neg", v)))


def _over_units(name: str) -> Callable[..., str]:
    return lambda graph, v: graph.op(name, v, axes=[-1])


def _sum_units(graph: Graph, v: str) -> str:
    return graph.op("ReduceSum", v, graph.ints(-1))


def _running_sum(graph: Graph, v: str) -> str:
    return graph.op("CumSum", v, graph.constant(np.int64(-1)))


def _comparison(name: str) -> Callable[..., str]:
    return lambda graph, a, b: graph.op("Cast", graph.op(name, a, b), to=FLOAT)


# By operation of the expression graph, the operators that compute it.
OPERATORS: dict[str, Callable[..., str]] = {
    "add": _operator("Add"),
    "subtract": _operator("Sub"),
    "multiply": _operator("Mul"),
    "divide": _operator("Div"),
    "negate": _operator("Neg"),
    "sigmoid": _operator("Sigmoid"),
    "log_sigmoid": _log_sigmoid,
    "tanh": _operator("Tanh"),
    "sqrt": _operator("Sqrt"),
    "exp": _operator("Exp"),
    "sin": _operator("Sin"),
    "cos": _operator("Cos"),
    "relu": _operator("Relu"),
    "maximum": _operator("Max"),
    "at_least": _comparison("GreaterOrEqual"),
    "above": _comparison("Greater"),
    "sum_units": _sum_units,
    "mean_units": _over_units("ReduceMean"),
    "max_units": _over_units("ReduceMax"),
    "running_sum": _running_sum,
}

# Operations whose result is the same for all units, and those whose argument must have all units.
_UNIFORM = ("sum_units", "mean_units", "max_units")
_ALL_UNITS = ("sum_units", "running_sum", INNER)


@fresh_nodes()
def trace_states(cell: Cell) -> dict[str, Node]:
    """Return the new states of a cell's step as expressions.

    Inputs are named (kind, name): "wx" and "rh" for the products of a gate, "state" for previous
    states, and "unit" for vectors.

    Raises:
        InputError: for a cell whose step has an operation that cannot be traced.
    """
    recurrent = {gate for product in cell.products for gate in product.gates}
    rh: dict[str, Any] = {gate: input_node(("rh", gate)) for gate in recurrent}
    rh |= {gate: partial(_inner_product, gate) for gate in cell.inner_gates}
    try:
        values = cell.step(
            {gate: input_node(("wx", gate)) for gate in cell.gates},
            rh,
            {name: input_node(("state", name)) for name in cell.states},
            {vector.name: input_node(("unit", vector.name)) for vector in cell.vectors},
        )
        return {name: as_node(values[name]) for name in cell.states}
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"the cell {cell} cannot be exported: its step uses an operation that cannot be traced "
            f"({failed_operation(error)}); use arithmetic and seqtag.cells.functions"
        ) from None


def _inner_product(gate: str, value: Node) -> Node:
    return Node(INNER, (as_node(value),), label=gate)


def print_step(
    graph: Graph,
    states: Mapping[str, Node],
    inputs: Mapping[Any, str],
    inner: Callable[[Graph, str, str], str],
) -> dict[str, str]:
    """Add the operators of a step to a graph, and return the new states.

    The value of an expression that is the same for all units may have one unit only.

    Args:
        graph: the graph.
        states: the expressions of `trace_states`.
        inputs: the value of each input of the expressions, by its name.
        inner: adds the product of the R of a gate, given by name, with a value.
    """
    values: dict[Node, str] = {}
    uniform: set[Node] = set()
    (previous, *_) = (value for name, value in inputs.items() if name[0] == "state")
    for node in walk(states.values()):
        args = [values[arg] for arg in node.args]
        if node.op in _ALL_UNITS and node.args[0] in uniform:
            args = [graph.op("Expand", *args, graph.op("Shape", previous))]
        elif node.op in _UNIFORM or (node.op != "input" and uniform.issuperset(node.args)):
            uniform.add(node)
        if node.op == "constant":
            values[node] = graph.constant(node.label, np.float32)
        elif node.op == "input":
            values[node] = inputs[node.label]
        elif node.op == INNER:
            values[node] = inner(graph, node.label, *args)
        else:
            values[node] = OPERATORS[node.op](graph, *args)
    return {name: values[node] for name, node in states.items()}
