"""Reverse-mode differentiation of expressions, written as expressions."""

from collections.abc import Iterable, Mapping

from seqtag.recurrent.compiler.graph import Node, as_node, walk


def gradients(adjoints: Mapping[Node, Node], inputs: Iterable[Node]) -> list[Node]:
    """Return the gradient at each input.

    Args:
        adjoints: the gradient of each result.
        inputs: nodes to differentiate by; if no result depends on one, its gradient is constant 0.
    """
    arrived: dict[Node, Node] = dict(adjoints)
    for node in reversed(list(walk(adjoints))):
        if node not in arrived:
            continue
        for arg, part in zip(node.args, _argument_gradients(node, arrived[node]), strict=True):
            arrived[arg] = arrived[arg] + part if arg in arrived else part
    return [arrived.get(node, as_node(0)) for node in inputs]


def _argument_gradients(y: Node, g: Node) -> tuple[Node, ...]:
    """Return the gradient at each argument of y, given the gradient g at y.

    Expressed by y if possible: y is usually kept, its arguments are not.
    """
    match y.op:
        case "constant" | "input":
            return ()
        case "add":
            return g, g
        case "subtract":
            return g, -g
        case "multiply":
            a, b = y.args
            return g * b, g * a
        case "divide":
            return g / y.args[1], -(g * y) / y.args[1]
        case "negate":
            return (-g,)
        case "sigmoid":
            return (g * (y * (1 - y)),)
        case "log_sigmoid":
            return (g * (-y.args[0]).sigmoid(),)
        case "tanh":
            return (g * (1 - y * y),)
        case "sqrt":
            return (g * (0.5 / y),)
        case "exp":
            return (g * y,)
        case "sin":
            return (g * y.args[0].cos(),)
        case "cos":
            return (-(g * y.args[0].sin()),)
        case "relu":
            return (g * y.above(0),)
        case "maximum":
            first = y.args[0].at_least(y.args[1])
            return g * first, g * (1 - first)
        case "at_least" | "above":
            return as_node(0), as_node(0)
        case "sum_units" | "mean_units":  # symmetric matrices
            return (g.mixed(y.op),)
        case "max_units":  # shared among equal largest values
            largest = y.args[0].at_least(y)
            return (largest * (g.sum_units() / largest.sum_units()),)
        case "running_sum":
            return (g.mixed("running_sum_reversed"),)
        case "inner_product":
            return (g.mixed("inner_gradient", y.label),)
    raise ValueError(f"no derivative of {y.op!r}")
