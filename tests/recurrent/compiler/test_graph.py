"""Expression graphs: folding, sharing, walking, substituting; values equal those on tensors.

B values at a time.
"""

import math
import sys
import threading
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqtag.recurrent.compiler import graph
from seqtag.recurrent.compiler.graph import as_node, input_node, is_constant, substitute, walk

B = 16
x, y, z = (input_node(name) for name in "xyz")
seeds = st.integers(0, 2**32)
# Fixtures are stateless functions, so hypothesis can share them between examples.
deterministic = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True
)


@deterministic
@given(seed=seeds, length=st.integers(1, 25))
def test_traced_programs_have_the_same_values_as_on_tensors(
    seed, length, symbols, run, random_programs, interpret
):
    program = random_programs(seed, length)
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(len(symbols), B, generator=draw, dtype=torch.float64)
    plain = torch.stack(run(program, inputs))
    traced = torch.stack(interpret(run(program, symbols), dict(zip(symbols, inputs, strict=True))))
    finite = plain.isfinite()
    torch.testing.assert_close(traced[finite], plain[finite], rtol=1e-12, atol=1e-12)


@deterministic
@given(seed=seeds, length=st.integers(1, 25))
def test_walk_yields_each_node_once_and_arguments_first(
    seed, length, symbols, run, random_programs
):
    nodes = list(walk(run(random_programs(seed, length), symbols)))
    places = {node: place for place, node in enumerate(nodes)}
    assert len(places) == len(nodes)
    assert all(places[arg] < places[node] for node in nodes for arg in node.args)
    assert all(a.order < b.order for a, b in pairwise(nodes))


@deterministic
@given(seed=seeds, length=st.integers(1, 25))
def test_substitution_equals_tracing_with_other_inputs(
    seed, length, symbols, run, random_programs, interpret
):
    program = random_programs(seed, length)
    others = [x, y * 2, as_node(0.25), x]
    substituted = substitute(run(program, symbols), dict(zip(symbols, others, strict=True)))
    draw = torch.Generator().manual_seed(seed)
    inputs = dict(zip((x, y), torch.randn(2, B, generator=draw, dtype=torch.float64), strict=True))
    assert not set(symbols) & set(walk(substituted))
    traced, expected = (
        torch.stack(interpret(n, inputs)) for n in (substituted, run(program, others))
    )
    finite = expected.isfinite()
    torch.testing.assert_close(traced[finite], expected[finite], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("folded", "expected"),
    [
        (x + 0, x),
        (0 + x, x),
        (x - 0, x),
        (0 - x, -x),
        (x * 1, x),
        (1 * x, x),
        (x * 0, as_node(0)),
        (0 * x, as_node(0)),
        (x * -1, -x),
        (0 / x, as_node(0)),
        (x / 1, x),
        ((0 - x) * -1, x),
        (x + -y, x - y),
        (-x * y, -(x * y)),
        (x * -y, -(x * y)),
        (as_node(2) * 3 + 1, as_node(7)),
        (as_node(0).sigmoid() * x, x * 0.5),
        (as_node(0).tanh() + x, x),
        (as_node(0).exp() * x, x),
        (as_node(-3).relu() + as_node(2).maximum(1) * x, 2 * x),
        (as_node(2).at_least(2) * x, x),
        (as_node(2).above(2) * x, as_node(0)),
        (as_node(-math.inf).exp() + x, x),
        (as_node(-math.inf).maximum(4.0), as_node(4.0)),
        (as_node(-math.inf).log_sigmoid(), as_node(-math.inf)),
    ],
)
def test_constants_and_operations_without_effect_fold(folded, expected):
    assert folded is expected


def test_common_parts_are_one_node():
    assert (x * y + 1).tanh() is (y * x + 1).tanh()
    assert x - y is not y - x
    assert x / y is not y / x
    assert x.at_least(y) is not y.at_least(x)
    nodes = walk([x * y + z, (y * x).exp(), (x * y).sigmoid() * (y * x)])
    assert sum(node.args == (x, y) for node in nodes) == 1


def test_plus_and_minus_zero_are_two_constants():
    assert as_node(0.0) is not as_node(-0.0)
    assert as_node(0) is as_node(0.0)
    assert is_constant(as_node(-0.0), 0)
    assert not is_constant(x, 0)


@pytest.mark.parametrize("value", ["1", None, torch.zeros(1), [1]])
def test_only_nodes_and_numbers_are_accepted(value):
    with pytest.raises(TypeError, match="made of nodes and numbers, not"):
        as_node(value)


def test_a_step_that_branches_on_a_value_is_refused():
    with pytest.raises(TypeError):
        _ = x > 0


def test_walk_does_not_follow_stopped_nodes():
    inner = (x + y).tanh()
    nodes = list(walk([inner * z], stop=lambda node: node is inner))
    assert inner in nodes
    assert x not in nodes


def test_a_long_chain_needs_no_recursion():
    node = x
    for _ in range(5000):
        node = (node + y).tanh()
    (again,) = substitute([node], {y: z})
    assert len(list(walk([again]))) == 10002
    assert repr(node) == "tanh(...)"


def test_every_operation_has_a_value_and_a_builder():
    assert set(graph.BUILDERS) == set(graph.OPERATIONS)
    for op, build in graph.BUILDERS.items():
        one = ("negate", "sigmoid", "log_sigmoid", "tanh", "exp", "sin", "cos", "relu", "sqrt")
        args = (x, y)[: 1 if op in one else 2]
        assert build(*args).op == op


@pytest.fixture
def _fast_switching():
    """Make threads switch as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_fast_switching")
def test_threads_that_trace_at_once_agree_on_nodes():
    """If equal nodes existed twice, gradients would be looked up at the wrong one."""
    start = threading.Barrier(4)
    traced = []

    def trace():
        for turn in range(200):
            start.wait()
            traced.append((turn, [input_node((turn, i)) for i in range(10)]))

    threads = [threading.Thread(target=trace) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(traced) == 800
    assert len({id(node) for _, nodes in traced for node in nodes}) == 2000
