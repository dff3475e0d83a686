"""Expressions on tensors.

Sums of products and the derivatives of sigmoid and tanh become one call each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from seqtag.recurrent.compiler.graph import Node, is_constant, walk

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input

# Each operation as a function that writes its result into `out`.
CALLS: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "negate": torch.neg,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": torch._C._nn.log_sigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "relu": partial(torch.clamp, min=0.0),
    "maximum": torch.maximum,
    "at_least": torch.ge,
    "above": torch.gt,
    # Made by `FusedOperations` out of several.
    "add_product": torch.addcmul,  # v + a b
    "subtract_product": partial(torch.addcmul, value=-1),  # v - a b
    "sigmoid_backward": lambda g, y, out: _sigmoid_backward(g, y, grad_input=out),  # g y (1 - y)
    "tanh_backward": lambda g, y, out: _tanh_backward(g, y, grad_input=out),  # g (1 - y y)
    "copy": lambda v, out: out.copy_(v),
}


def evaluate(results: Iterable[Node], given: Mapping[Node, Tensor], like: Tensor) -> list[Tensor]:
    """Return the results as tensors.

    Args:
        results: what to compute.
        given: the value of every input, and of whatever else is known; shapes broadcast.
        like: a tensor of the shape, dtype and device that results shall have.
    """
    results = list(results)
    given = dict(given)
    needed = [n for n in walk(results, stop=given.__contains__) if n not in given]
    for node in needed:
        if node.op == "constant":
            given[node] = like.new_tensor(node.label)
    calls = FusedOperations({("result", i): node for i, node in enumerate(results)}, given)
    left = Counter(arg for _, args in calls.fused.values() for arg in args)
    for node, (op, args) in calls.fused.items():
        out = torch.empty_like(like)
        CALLS[op](*(given[arg] for arg in args), out=out)
        given[node] = out
        for arg in args:  # let go of what is used up: these are whole sequences
            left[arg] -= 1
            if not left[arg] and arg not in results:
                del given[arg]
    return [given[node].expand_as(like) for node in results]


class FusedOperations:
    """The operations that results need, fused, arguments first: `fused[node] = op, args`."""

    def __init__(self, results: Mapping[Any, Node], given: Mapping[Node, Any]):
        known = given.__contains__
        nodes = [n for n in walk(results.values(), stop=known) if n.args and n not in given]
        # Uses by results count too: what is asked for must be there by itself.
        self.uses = Counter(arg for node in nodes for arg in node.args) + Counter(results.values())
        self.given = given
        fused = {node: self._fuse(node) for node in nodes}
        wanted: set[Node] = set()
        pending = [node for node in results.values() if node in fused]
        while pending:
            node = pending.pop()
            if node not in wanted:
                wanted.add(node)
                pending.extend(arg for arg in fused[node][1] if arg in fused)
        self.fused = {node: fused[node] for node in nodes if node in wanted}

    def _fuse(self, node: Node) -> tuple[str, tuple[Node, ...]]:
        if node.op == "multiply":
            for g, slope in (node.args, node.args[::-1]):
                if (found := self._slope(slope)) is not None:
                    return found[0], (g, found[1])
        if node.op in ("add", "subtract"):
            a, b = node.args
            if self._is_inner(b, "multiply"):
                return f"{node.op}_product", (a, *b.args)
            if node.op == "add" and self._is_inner(a, "multiply"):
                return "add_product", (b, *a.args)
        return node.op, node.args

    def _is_inner(self, node: Node, op: str) -> bool:
        return node.op == op and node not in self.given and self.uses[node] == 1

    def _slope(self, slope: Node) -> tuple[str, Node] | None:
        """Return the operation and y where this is y (1 - y) or 1 - y y, used only here."""
        if self._is_inner(slope, "multiply"):
            for y, rest in (slope.args, slope.args[::-1]):
                if rest.op == "subtract" and is_constant(rest.args[0], 1) and rest.args[1] is y:
                    return "sigmoid_backward", y
        if self._is_inner(slope, "subtract") and is_constant(slope.args[0], 1):
            square = slope.args[1]
            if square.op == "multiply" and square.args[0] is square.args[1]:
                return "tanh_backward", square.args[0]
        return None
