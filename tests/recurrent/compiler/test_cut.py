"""The smallest sets of values to keep, compared with an exhaustive search."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.recurrent.compiler.cut import values_to_keep
from seqtag.recurrent.compiler.graph import Node, input_node, walk


def random_graph(seed):
    """Return all nodes, the lost ones, the free ones, and the needed ones."""
    draw = random.Random(seed)
    lost = [input_node(("lost", i)) for i in range(draw.randint(1, 4))]
    available = [input_node(("free", i)) for i in range(draw.randint(0, 2))]
    nodes = [*lost, *available]
    for i in range(draw.randint(1, 8)):
        args = tuple(draw.choice(nodes) for _ in range(draw.choice((1, 2, 2))))
        nodes.append(Node("some", args, label=i))
    operations = nodes[len(lost) + len(available) :]
    free = {*available, *(node for node in operations if draw.random() < 0.15)}
    needed = {draw.choice(nodes) for _ in range(draw.randint(1, 5))}
    return nodes, set(lost), free, needed


def is_computable(needed, available, lost):
    """Return whether all needed nodes can be computed from the available ones."""
    reached = walk(needed, stop=lambda node: node in available)
    return not any(node in lost and node not in available for node in reached)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(seed=st.integers(0, 2**32))
def test_the_set_is_sufficient_and_smallest(seed):
    nodes, lost, free, needed = random_graph(seed)
    kept = values_to_keep(needed, lost.__contains__, free.__contains__)
    assert not free & set(kept)
    assert len(set(kept)) == len(kept)
    assert is_computable(needed, free | set(kept), lost)
    candidates = [node for node in nodes if node not in free]
    for size in range(len(kept)):
        for fewer in combinations(candidates, size):
            assert not is_computable(needed, free | set(fewer), lost)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_the_set_is_the_smallest_one_nearest_to_the_needed_nodes(seed):
    """No other set of the same size leaves fewer values to recompute."""
    nodes, lost, free, needed = random_graph(seed)
    kept = values_to_keep(needed, lost.__contains__, free.__contains__)

    def recomputed(chosen):
        stop = free | set(chosen)
        return sum(node not in stop for node in walk(needed, stop=stop.__contains__))

    candidates = [node for node in nodes if node not in free]
    for other in combinations(candidates, len(kept)):
        if is_computable(needed, free | set(other), lost):
            assert recomputed(kept) <= recomputed(other)


a, b, c, d = (input_node(("lost", letter)) for letter in "abcd")
free = input_node(("free", 0))


def is_lost(node):
    return node.op == "input" and node.label[0] == "lost"


def keep(*needed):
    return values_to_keep(needed, is_lost, lambda node: node is free)


@pytest.mark.parametrize(
    ("needed", "kept"),
    [
        ((a,), [a]),
        ((a.tanh(),), [a.tanh()]),
        (
            ((a + b).tanh(), (a + b).exp()),
            [a + b],
        ),  # the sum, not its two arguments or its two results
        ((a.tanh(), b.tanh(), a.tanh() * b.tanh()), [a.tanh(), b.tanh()]),
        (((a + b) * (c + d),), [(a + b) * (c + d)]),
        ((free.tanh(), free), []),
        ((free * a, a), [a]),
        ((a.sigmoid(), 1 - a.sigmoid()), [a.sigmoid()]),
        ((), []),
    ],
)
def test_small_examples(needed, kept):
    assert keep(*needed) == kept


def test_a_long_ladder():
    """Two chains with cross connections: always two values, whatever the length."""
    left, right = a, b
    needed = []
    for _ in range(200):
        left, right = (left + right).tanh(), (left - right).exp()
        needed += [left * right, left + right]
    kept = keep(*needed)
    assert len(kept) == 2
    assert is_computable(needed, {free, *kept}, {a, b})
