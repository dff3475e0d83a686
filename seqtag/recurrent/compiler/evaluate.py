"""Evaluation of expressions on tensors.

Sums of products and the derivatives of sigmoid and tanh are fused into one call each.
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

# For each operation a function that writes its result into `out`.
CALLS: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "negate": torch.neg,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": torch._C._nn.log_sigmoid,
    "tanh": torch.tanh,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "sin": torch.sin,
    "cos": torch.cos,
    "relu": partial(torch.clamp, min=0.0),
    "maximum": torch.maximum,
    "at_least": torch.ge,
    "above": torch.gt,
    # These are fused from several operations by `FusedOperations`.
    "add_product": torch.addcmul,  # v + a b
    "subtract_product": partial(torch.addcmul, value=-1),  # v - a b
    "sigmoid_backward": lambda g, y, out: _sigmoid_backward(g, y, grad_input=out),  # g y (1 - y)
    "tanh_backward": lambda g, y, out: _tanh_backward(g, y, grad_input=out),  # g (1 - y y)
    "copy": lambda v, out: out.copy_(v),
}


def evaluate(results: Iterable[Node], known: Mapping[Node, Tensor], like: Tensor) -> list[Tensor]:
    """Return the values of the results as tensors.

    Args:
        results: the nodes to compute.
        known: the values of all inputs and of any other known nodes; shapes broadcast.
        like: a tensor with the shape, dtype and device of the results.
    """
    results = list(results)
    known = dict(known)
    needed = [n for n in walk(results, stop=known.__contains__) if n not in known]
    for node in needed:
        if node.op == "constant":
            known[node] = like.new_tensor(node.label)
    calls = FusedOperations({("result", i): node for i, node in enumerate(results)}, known)
    left = Counter(arg for _, args in calls.fused.values() for arg in args)
    for node, (op, args) in calls.fused.items():
        out = torch.empty_like(like)
        CALLS[op](*(known[arg] for arg in args), out=out)
        known[node] = out
        for arg in args:  # free values after their last use: these are whole sequences
            left[arg] -= 1
            if not left[arg] and arg not in results:
                del known[arg]
    return [known[node].expand_as(like) for node in results]


class FusedOperations:
    """The operations needed for results, fused, arguments first: `fused[node] = op, args`."""

    def __init__(self, results: Mapping[Any, Node], known: Mapping[Node, Any]):
        nodes = [
            n for n in walk(results.values(), stop=known.__contains__) if n.args and n not in known
        ]
        # Results count as uses, so that a result is not fused into another operation.
        self.uses = Counter(arg for node in nodes for arg in node.args) + Counter(results.values())
        self.known = known
        fused = {node: self._fuse(node) for node in nodes}
        reachable: set[Node] = set()
        pending = [node for node in results.values() if node in fused]
        while pending:
            node = pending.pop()
            if node not in reachable:
                reachable.add(node)
                pending.extend(arg for arg in fused[node][1] if arg in fused)
        self.fused = {node: fused[node] for node in nodes if node in reachable}

    def _fuse(self, node: Node) -> tuple[str, tuple[Node, ...]]:
        if node.op == "multiply":
            for g, slope in (node.args, node.args[::-1]):
                if (match := self._slope(slope)) is not None:
                    return match[0], (g, match[1])
        if node.op in ("add", "subtract"):
            a, b = node.args
            if self._is_inner(b, "multiply"):
                return f"{node.op}_product", (a, *b.args)
            if node.op == "add" and self._is_inner(a, "multiply"):
                return "add_product", (b, *a.args)
        return node.op, node.args

    def _is_inner(self, node: Node, op: str) -> bool:
        return node.op == op and node not in self.known and self.uses[node] == 1

    def _slope(self, slope: Node) -> tuple[str, Node] | None:
        """Return operation and y if `slope` is y (1 - y) or 1 - y y, used only here; else None."""
        if self._is_inner(slope, "multiply"):
            for y, rest in (slope.args, slope.args[::-1]):
                if rest.op == "subtract" and is_constant(rest.args[0], 1) and rest.args[1] is y:
                    return "sigmoid_backward", y
        if self._is_inner(slope, "subtract") and is_constant(slope.args[0], 1):
            square = slope.args[1]
            if square.op == "multiply" and square.args[0] is square.args[1]:
                return "tanh_backward", square.args[0]
        return None
