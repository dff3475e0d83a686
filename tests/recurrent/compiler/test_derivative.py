"""Derivatives of random programs, compared with autograd in float64.

B values at a time.
"""

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from seqtag.recurrent.compiler.derivative import gradients
from seqtag.recurrent.compiler.graph import Node, as_node, input_node

B = 8
x, y = input_node("x"), input_node("y")
deterministic = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True
)


@deterministic
@given(seed=st.integers(0, 2**32), length=st.integers(1, 25), results=st.integers(1, 4))
def test_random_programs(seed, length, results, symbols, run, random_programs, interpret):
    program = random_programs(seed, length)
    draw = torch.Generator().manual_seed(seed)
    inputs = list(torch.randn(len(symbols), B, generator=draw, dtype=torch.float64))
    weights = list(torch.randn(results, B, generator=draw, dtype=torch.float64))
    for value in inputs:
        value.requires_grad_()
    plain = run(program, inputs)[-results:]
    assume(all(value.isfinite().all() and value.abs().max() < 1e6 for value in plain))
    loss = sum((value * w).sum() for value, w in zip(plain, weights, strict=True))
    assume(loss.requires_grad)
    expected = torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True)

    arriving = [input_node(("new", i)) for i in range(results)]
    adjoints: dict[Node, Node] = {}
    for node, grad in zip(run(program, symbols)[-results:], arriving, strict=True):
        adjoints[node] = adjoints[node] + grad if node in adjoints else grad
    inputs_by_node = dict(zip([*symbols, *arriving], [*inputs, *weights], strict=True))
    with torch.no_grad():
        actual = interpret(gradients(adjoints, symbols), inputs_by_node)
    scale = max(1.0, *(e.abs().max().item() for e in expected))
    torch.testing.assert_close(actual, list(expected), rtol=1e-8, atol=1e-9 * scale)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (x + y, (as_node(1), as_node(1))),
        (x - y, (as_node(1), as_node(-1))),
        (x * y, (y, x)),
        (-x, (as_node(-1), as_node(0))),
        (x.tanh(), (1 - x.tanh() * x.tanh(), as_node(0))),
        (x.sigmoid(), (x.sigmoid() * (1 - x.sigmoid()), as_node(0))),
        (x.exp(), (x.exp(), as_node(0))),
        (x.log_sigmoid(), ((-x).sigmoid(), as_node(0))),
        (x.above(y), (as_node(0), as_node(0))),
        (x.at_least(y), (as_node(0), as_node(0))),
        (as_node(3), (as_node(0), as_node(0))),
        (x, (as_node(1), as_node(0))),
    ],
)
def test_each_rule_has_the_shortest_form(result, expected):
    """Rules use the result, and have no operations without effect."""
    actual = gradients({result: as_node(1)}, [x, y])
    assert all(a is b for a, b in zip(actual, expected, strict=True))


def test_gradients_at_inner_and_outer_results_add_up():
    c = x * y
    h = c.tanh()
    dc, dh = input_node("dc"), input_node("dh")
    actual = gradients({h: dh, c: dc}, [c])
    assert actual == [dc + dh * (1 - h * h)]


def test_a_value_used_many_times_is_differentiated_once():
    """Differentiation is by node, not by path: here there are 2**200 paths."""
    node = x
    for _ in range(200):
        node = (node + node * y).tanh()
    (actual,) = gradients({node: as_node(1)}, [x])
    assert actual.op != "constant"


def test_an_unknown_operation_is_refused():
    with pytest.raises(ValueError, match="no derivative of 'median'"):
        gradients({Node("median", (x,)): as_node(1)}, [x])


def test_extreme_arguments(interpret):
    """Derivatives of saturated functions are finite, also at minus infinity."""
    ends = torch.tensor([-torch.inf, -800.0, -80.0, 0.0, 80.0, 800.0], dtype=torch.float64)
    for result in (x.sigmoid(), x.tanh(), x.log_sigmoid(), x.maximum(-90.0), x.relu()):
        (slope,) = interpret(gradients({result: as_node(1)}, [x]), {x: ends})
        assert slope.isfinite().all()
        assert (slope >= 0).all()
