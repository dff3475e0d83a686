"""Expression graphs: the result of running a step on symbols instead of tensors.

A node is an operation on other nodes. Equal nodes are one object, so common parts are computed
once. Constants are folded, and so are operations without effect (0 x, 1 x, x + 0). Folding 0 x to 0
assumes that x is finite.

A node stands for a value of all units of one sequence at one step, (H). The operations of
`OPERATIONS` are elementwise. Those of `MIXING` combine units, so a program needs all units of the
argument before it can compute any unit of the result; v is the argument, R_k (H, H) a block of the
cell's inner weight:

    sum_units             the sum of v over units, the same value for every unit
    mean_units            sum_units divided by H
    max_units             the largest value of v, the same value for every unit
    running_sum           the sum of v over the units up to and including this one
    running_sum_reversed  the sum of v over this unit and the following ones
    inner_product         R_k v, with the gate k as the node's label
    inner_gradient        R_k transposed times v, with the gate k as the node's label
"""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar
from weakref import WeakValueDictionary

Number = float | int
_node_lock = threading.Lock()
_Table = WeakValueDictionary[Any, "Node"]
_shared_nodes: _Table = WeakValueDictionary()
# Operations that are created within `fresh_nodes`.
_local_nodes: ContextVar[_Table] = ContextVar("_local_nodes")


@contextmanager
def fresh_nodes() -> Iterator[None]:
    """Run the block without sharing operations with existing nodes.

    With sharing, older nodes would come first in the order, so the generated code and its order of
    summation would depend on which other cells the process has traced before.
    """
    before = _local_nodes.set(WeakValueDictionary())
    try:
        yield
    finally:
        _local_nodes.reset(before)


class Node:
    """One value of an expression; arithmetic on it creates new nodes.

    Attributes:
        op: "constant", "input", or an operation of `OPERATIONS`.
        args: the arguments of the operation.
        label: the number of a constant, the name of an input, the gate of an inner product; else
            None.
        order: sort key: constants and inputs by label, then operations by creation, so that
            arguments come before operations on them.
    """

    __slots__ = ("__weakref__", "args", "label", "op", "order")
    _count: ClassVar[int] = 0

    op: str
    args: tuple[Node, ...]
    label: Any
    order: tuple[int, int | str]

    def __new__(cls, op: str, args: tuple[Node, ...] = (), label: Any = None) -> Node:
        """Return the node with this content, always the same object."""
        key = (op, args, label, math.copysign(1.0, label) if op == "constant" else None)
        known = _local_nodes.get(_shared_nodes) if args else _shared_nodes
        # Two threads that trace at the same time must not create equal nodes.
        with _node_lock:
            node = known.get(key)
            if node is None:
                node = super().__new__(cls)
                node.op, node.args, node.label = op, args, label
                Node._count += 1
                node.order = (1, Node._count) if args else (0, repr(label))
                known[key] = node
            return node

    def __repr__(self) -> str:
        if self.op in ("constant", "input"):
            return str(self.label)
        # No deeper: shared parts would be repeated.
        shown = (str(arg.label) if arg.label is not None else "..." for arg in self.args)
        return f"{self.op}({', '.join(shown)})"

    def __add__(self, other: Node | Number) -> Node:
        other = as_node(other)
        if other.op == "negate":
            return self - other.args[0]
        if is_constant(self, 0) or is_constant(other, 0):
            return other if is_constant(self, 0) else self
        return _make("add", *_in_order(self, other))

    def __sub__(self, other: Node | Number) -> Node:
        other = as_node(other)
        if is_constant(other, 0):
            return self
        return -other if is_constant(self, 0) else _make("subtract", self, other)

    def __mul__(self, other: Node | Number) -> Node:
        other = as_node(other)
        for a, b in ((self, other), (other, self)):
            if is_constant(a, 0):
                return a
            if is_constant(a, 1):
                return b
            if is_constant(a, -1):
                return -b
            if a.op == "negate":
                return -(a.args[0] * b)
        return _make("multiply", *_in_order(self, other))

    def __truediv__(self, other: Node | Number) -> Node:
        other = as_node(other)
        if is_constant(self, 0) or is_constant(other, 1):
            return self
        return _make("divide", self, other)

    def __neg__(self) -> Node:
        return self.args[0] if self.op == "negate" else _make("negate", self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Number) -> Node:
        return as_node(other) - self

    def __rtruediv__(self, other: Number) -> Node:
        return as_node(other) / self

    def sigmoid(self) -> Node:
        """Return 1 / (1 + exp(-v))."""
        return _make("sigmoid", self)

    def log_sigmoid(self) -> Node:
        """Return the logarithm of sigmoid."""
        return _make("log_sigmoid", self)

    def tanh(self) -> Node:
        """Return the hyperbolic tangent."""
        return _make("tanh", self)

    def sqrt(self) -> Node:
        """Return the square root."""
        return _make("sqrt", self)

    def exp(self) -> Node:
        """Return the exponential function."""
        return _make("exp", self)

    def sin(self) -> Node:
        """Return the sine."""
        return _make("sin", self)

    def cos(self) -> Node:
        """Return the cosine."""
        return _make("cos", self)

    def relu(self) -> Node:
        """Return max(v, 0)."""
        return _make("relu", self)

    def maximum(self, other: Node | Number) -> Node:
        """Return the larger of two."""
        return _make("maximum", self, as_node(other))

    def at_least(self, other: Node | Number) -> Node:
        """Return 1 where v >= other, else 0."""
        return _make("at_least", self, as_node(other))

    def above(self, other: Node | Number) -> Node:
        """Return 1 where v > other, else 0."""
        return _make("above", self, as_node(other))

    def sum_units(self) -> Node:
        """Return the sum over units."""
        return self.mixed("sum_units")

    def mean_units(self) -> Node:
        """Return the mean over units."""
        return self.mixed("mean_units")

    def max_units(self) -> Node:
        """Return the largest value of all units."""
        return self.mixed("max_units")

    def running_sum(self) -> Node:
        """Return the sum over the units up to and including each unit."""
        return self.mixed("running_sum")

    def mixed(self, op: str, label: Any = None) -> Node:
        """Return an operation of `MIXING` on this node; all of them map 0 to 0."""
        return self if is_constant(self, 0) else Node(op, (self,), label)


def _log_sigmoid(v: float) -> float:
    return min(v, 0.0) - math.log1p(math.exp(-abs(v)))


# Each operation on numbers, for constant folding.
OPERATIONS: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "sigmoid": lambda a: math.exp(_log_sigmoid(a)),
    "log_sigmoid": _log_sigmoid,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "relu": lambda a: max(a, 0.0),
    "maximum": max,
    "at_least": lambda a, b: float(a >= b),
    "above": lambda a, b: float(a > b),
}

# Each operation on nodes, with folding.
BUILDERS: dict[str, Callable[..., Node]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negate": operator.neg,
    **{op: getattr(Node, op) for op in list(OPERATIONS)[5:]},
}

# Operations that combine units: the result is the same for every unit, or differs.
UNIFORM = ("sum_units", "mean_units", "max_units")
MIXING = (*UNIFORM, "running_sum", "running_sum_reversed", "inner_product", "inner_gradient")


def as_node(value: Node | Number) -> Node:
    """Return a node as it is, and a number as a constant.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, int | float):
        return Node("constant", label=float(value))
    raise TypeError(f"an expression is made of nodes and numbers, not {type(value).__name__}")


def input_node(name: Any) -> Node:
    """Return the input with this name."""
    return Node("input", label=name)


def is_constant(node: Node, number: float) -> bool:
    """Return whether the node is this constant."""
    return node.op == "constant" and node.label == number


def _make(op: str, *args: Node) -> Node:
    if all(arg.op == "constant" for arg in args):
        return as_node(OPERATIONS[op](*(arg.label for arg in args)))
    return Node(op, args)


def _in_order(a: Node, b: Node) -> tuple[Node, Node]:
    """Return the arguments of a commutative operation in a canonical order."""
    return (a, b) if a.order <= b.order else (b, a)


def walk(nodes: Iterable[Node], stop: Callable[[Node], bool] = lambda _: False) -> Iterator[Node]:
    """Yield the nodes and everything that they depend on, once each, arguments first.

    Arguments of nodes for which `stop` is true are not followed.
    """
    seen: set[Node] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending.extend(() if stop(node) else node.args)
    yield from sorted(seen, key=lambda node: node.order)


def substitute(nodes: Iterable[Node], replacements: Mapping[Node, Node]) -> list[Node]:
    """Return the nodes with some of their parts replaced, folding constants again."""
    nodes = list(nodes)
    done = dict(replacements)
    for node in walk(nodes, stop=replacements.__contains__):
        if node not in done:
            args = [done[arg] for arg in node.args]
            if node.op in MIXING:
                done[node] = args[0].mixed(node.op, node.label)
            else:
                done[node] = BUILDERS[node.op](*args) if args else node
    return [done[node] for node in nodes]
