"""Random programs: lists of operations that run on nodes and on tensors."""

import random

import pytest
import torch

from seqtag.cells.functions import cos, exp, log_sigmoid, maximum, relu, sigmoid, sin, sqrt, tanh
from seqtag.recurrent.compiler.graph import Node, as_node, input_node, walk

INPUTS = 4


def _as_operand(v, like):
    """Return a number as a node or a tensor, like the other argument."""
    if not isinstance(v, int | float):
        return v
    return as_node(v) if isinstance(like, Node) else torch.full_like(like, float(v))


def _compare(method, holds):
    def run(a, b):
        return getattr(a, method)(b) if isinstance(a, Node) else holds(a, b).to(a.dtype)

    return run


# Arguments are limited to a range where the operation is neither infinite nor flat.
OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (1.5 + tanh(b)),
    "negate": lambda a, b: -a,
    "sigmoid": lambda a, b: sigmoid(a),
    "log_sigmoid": lambda a, b: log_sigmoid(a),
    "tanh": lambda a, b: tanh(a),
    "exp": lambda a, b: exp(2 * tanh(a)),
    "sin": lambda a, b: sin(3 * tanh(a)),
    "cos": lambda a, b: cos(3 * tanh(a)),
    "sqrt": lambda a, b: sqrt(1.5 + tanh(a)),
    "relu": lambda a, b: relu(a),
    "maximum": maximum,
    "at_least": _compare("at_least", torch.ge),
    "above": _compare("above", torch.gt),
    "twice": lambda a, b: 2 * a - 1,
    "one over": lambda a, b: 1 / (2 + sigmoid(a)),
    "idle": lambda a, b: 0 * b + 1 * a + 0 - 0 * a,
    "square": lambda a, b: a * a,
    "tame": lambda a, b: tanh(a - b),
}
CONSTANTS = (0.0, 1.0, -1.0, 0.5, -2.0)


def run_program(program, inputs):
    """Return all values of a program: those of its inputs, constants and steps."""
    inputs = list(inputs)
    values = [*inputs, *(_as_operand(c, inputs[0]) for c in CONSTANTS)]
    for op, first, second in program:
        values.append(OPERATIONS[op](values[first % len(values)], values[second % len(values)]))
    return values


def random_program(seed, length):
    """Return a program; its steps prefer recent values."""
    draw = random.Random(seed)

    def place(steps):
        known = INPUTS + len(CONSTANTS) + steps
        return draw.choice((draw.randrange(known), max(0, known - 1 - draw.randrange(4))))

    names = list(OPERATIONS)
    return [(draw.choice(names), place(i), place(i)) for i in range(length)]


# The meaning of nodes, implemented independently of the package.
MEANING = {
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "divide": torch.divide,
    "negate": torch.negative,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": torch.nn.functional.logsigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "sin": torch.sin,
    "cos": torch.cos,
    "sqrt": torch.sqrt,
    "relu": torch.relu,
    "maximum": torch.maximum,
    "at_least": lambda a, b: (a >= b).to(a.dtype),
    "above": lambda a, b: (a > b).to(a.dtype),
}


def evaluate(nodes, inputs):
    """Return the values of nodes, given those of the inputs; each node is computed once."""
    nodes = list(nodes)
    values = dict(inputs)
    like = next(iter(inputs.values()))
    for node in walk(nodes, stop=values.__contains__):
        if node in values:
            continue
        if node.op == "constant":
            values[node] = torch.full_like(like, node.label)
        else:
            values[node] = MEANING[node.op](*(values[arg] for arg in node.args))
    return [values[node] for node in nodes]


@pytest.fixture
def symbols():
    return [input_node(("slot", name)) for name in "abcd"[:INPUTS]]


@pytest.fixture
def run():
    return run_program


@pytest.fixture
def random_programs():
    return random_program


@pytest.fixture
def interpret():
    return evaluate
