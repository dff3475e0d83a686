"""The functions of steps on tensors, and every step on symbols that support nothing else."""

import math

import pytest
import torch
from shared.cells import PRESETS

from seqtag.cells.functions import (
    cumulative_softmax,
    layer_norm,
    log_sigmoid,
    maximum,
    running_sum,
    softmax,
    unit_max,
    unit_mean,
    unit_sum,
    unit_variance,
)


@pytest.mark.parametrize("v", [-800.0, -80.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 40.0, 80.0])
def test_log_sigmoid_and_its_gradient(v):
    x = torch.tensor([v], dtype=torch.float64, requires_grad=True)
    y = log_sigmoid(x)
    y.sum().backward()
    expected = -math.log1p(math.exp(-v)) if v > -30 else v - math.exp(v)
    slope = 1 / (1 + math.exp(v)) if v < 700 else 0.0
    assert y.item() == pytest.approx(expected, rel=1e-14)
    assert x.grad.item() == pytest.approx(slope, rel=1e-14)


def test_log_sigmoid_passes_gradcheck():
    x = torch.tensor([-80.0, -2.0, 0.0, 3.0, 80.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_sigmoid, x)


def test_maximum_with_minus_infinity_has_a_finite_gradient():
    a, b = torch.tensor([-math.inf]), torch.tensor([2.0], requires_grad=True)
    maximum(a, b).sum().backward()
    assert b.grad.item() == 1


def test_layer_norm_is_over_all_blocks_together():
    torch.manual_seed(0)
    a, b = (torch.randn(3, 5, dtype=torch.float64) + n for n in (0, 4))
    joint = torch.cat(layer_norm([a, b], epsilon=0.0), -1)
    torch.testing.assert_close(joint.mean(-1), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(joint.var(-1, correction=0), torch.ones(3, dtype=torch.float64))
    both = torch.cat([a, b], -1)
    # One shift and one scale for the whole row.
    scales = joint.diff(dim=-1) / both.diff(dim=-1)
    torch.testing.assert_close(scales, scales[:, :1].expand(3, 9))


class Symbol:
    """A number that supports only what a tracer supports: arithmetic and the functions."""

    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Symbol(self.value + plain(other))

    def __sub__(self, other):
        return Symbol(self.value - plain(other))

    def __mul__(self, other):
        return Symbol(self.value * plain(other))

    def __truediv__(self, other):
        return Symbol(self.value / plain(other))

    def __neg__(self):
        return Symbol(-self.value)

    def __rsub__(self, other):
        return Symbol(other - self.value)

    def __rtruediv__(self, other):
        return Symbol(other / self.value)

    __radd__, __rmul__ = __add__, __mul__

    def __bool__(self):
        raise TypeError("a step branches on a value")

    __eq__ = __lt__ = __gt__ = __le__ = __ge__ = lambda self, other: bool(self)
    __hash__ = None

    def sigmoid(self):
        return Symbol(1 / (1 + math.exp(-self.value)))

    def log_sigmoid(self):
        return Symbol(-math.log1p(math.exp(-self.value)))

    def tanh(self):
        return Symbol(math.tanh(self.value))

    def relu(self):
        return Symbol(max(self.value, 0.0))

    def exp(self):
        return Symbol(math.exp(self.value))

    def sin(self):
        return Symbol(math.sin(self.value))

    def cos(self):
        return Symbol(math.cos(self.value))

    def sqrt(self):
        return Symbol(math.sqrt(self.value))

    def maximum(self, other):
        return Symbol(max(self.value, other.value))

    def sum_units(self):
        """One unit is its own sum, mean and largest value."""
        return self

    mean_units = max_units = running_sum = sum_units


def plain(v):
    return v.value if isinstance(v, Symbol) else v


def arguments(cell, make):
    """Return wx, rh, state and unit, built by `make` from distinct numbers."""
    numbers = iter(0.37 * math.sin(n + 1) for n in range(100))
    recurrent = dict.fromkeys(k for p in cell.products for k in p.gates)
    names = (cell.gates, recurrent, cell.states, [vector.name for vector in cell.vectors])
    wx, rh, state, unit = [{name: make(next(numbers)) for name in group} for group in names]
    rh |= dict.fromkeys(cell.inner_gates, lambda v: 0.5 * v)
    return wx, rh, state, unit


TRACEABLE = [name for name, cell in PRESETS.items() if cell.untraceable is None]


@pytest.mark.parametrize("name", TRACEABLE)
def test_steps_run_on_symbols(name):
    cell = PRESETS[name]
    symbols = cell.step(*arguments(cell, Symbol))
    tensors = cell.step(*arguments(cell, lambda v: torch.tensor([v], dtype=torch.float64)))
    assert symbols.keys() == tensors.keys()
    for key, symbol in symbols.items():
        assert symbol.value == pytest.approx(tensors[key].item(), rel=1e-12), key


def test_every_cell_is_traceable():
    assert not any(cell.untraceable for cell in PRESETS.values())


def test_functions_over_units():
    v = torch.tensor([[1.0, -2.0, 4.0], [0.5, 0.5, 0.5]], dtype=torch.float64)
    expected = {
        unit_sum: [[3.0] * 3, [1.5] * 3],
        unit_mean: [[1.0] * 3, [0.5] * 3],
        unit_max: [[4.0] * 3, [0.5] * 3],
        unit_variance: [[6.0] * 3, [0.0] * 3],
        running_sum: [[1.0, -1.0, 3.0], [0.5, 1.0, 1.5]],
    }
    for function, values in expected.items():
        torch.testing.assert_close(function(v), torch.tensor(values, dtype=v.dtype))
    torch.testing.assert_close(softmax(v), torch.softmax(v, -1))
    torch.testing.assert_close(cumulative_softmax(v), torch.softmax(v, -1).cumsum(-1))
    joint = torch.nn.functional.layer_norm(torch.cat([v, 2 * v], -1), (6,))
    torch.testing.assert_close(torch.cat(layer_norm([v, 2 * v]), -1), joint)
