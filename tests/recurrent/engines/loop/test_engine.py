"""The loop engine: equal to the reference, and safe although it writes in place."""

import copy

import pytest
import torch
from shared.cells import PRESETS
from torch import nn
from torch.func import functional_call

from seqtag.cells import Cell
from seqtag.cells.functions import exp, log_sigmoid, maximum, relu, sigmoid, tanh
from seqtag.cells.spec import Product, Vector
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.compiler.evaluate import evaluate
from seqtag.recurrent.compiler.graph import input_node
from seqtag.recurrent.compiler.plan import plan_of, why_not_elementwise
from seqtag.recurrent.engines.loop.layout import layout_of

D, H = 3, 5
TRACEABLE = {name: cell for name, cell in PRESETS.items() if not why_not_elementwise(cell)}
LENGTHS = [None, torch.tensor([3, 7, 0, 1, 7]), torch.tensor([5, 4, 3, 2, 1])]


class EveryFeature(Cell):
    """A cell with three products, a slot without W x, vectors, and every function.

    One state is an unchanged input, one is read by nothing, and one is read by an R only.
    """

    gates = ("a", "b", "d")
    states = ("h", "s", "u", "v", "w")
    products = (Product("h", ("b", "e")), Product("u", ("a", "e")), Product("s", ("b",)))
    vectors = (Vector("p", 0.5), Vector("q", is_bias=True))
    initial_states = {"s": 0.25}  # noqa: RUF012

    def step(self, wx, rh, state, unit):
        a = sigmoid(wx["a"] * 0.5 + unit["p"] * rh["a"])
        b = tanh(wx["b"] + rh["b"] - state["s"] / (2 + exp(rh["e"])))
        u = relu(wx["d"]) + maximum(a, b) - log_sigmoid(a * b) + unit["q"] * unit["p"]
        h = (1 - a) * b + a * state["h"] * (1 - state["h"] * state["h"])
        return {"h": h, "s": a - h, "u": tanh(u), "v": u, "w": wx["d"]}


CELLS = {**TRACEABLE, "odd": EveryFeature()}


def layer_of(cell, *args, **options):
    layer = Recurrent(cell, D, H, *args, **options).double()
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -0.7, 0.7)
    return layer


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("lengths", LENGTHS)
def test_equals_reference(name, lengths, outcome):
    for options in ({"bidirectional": True}, {"bias": False}):
        layer = layer_of(CELLS[name], **options)
        expected, actual = (outcome(layer, engine, lengths) for engine in ("reference", "loop"))
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("name", ["odd", "gru", "lstm_peephole", "fgr"])
def test_gradcheck(name):
    layer = Recurrent(CELLS[name], 2, 2, bidirectional=True, engine="loop").double()
    names = [n for n, _ in layer.named_parameters()]
    values = [p.detach().clone().uniform_(-0.9, 0.9).requires_grad_() for p in layer.parameters()]
    x = torch.randn(3, 3, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([3, 1, 0])

    def run(x, *values):
        y, end = functional_call(layer, dict(zip(names, values, strict=True)), (x, lengths))
        return y, *((end,) if isinstance(end, torch.Tensor) else end)

    assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True)


@pytest.mark.parametrize("name", CELLS)
def test_padding_changes_nothing_bitwise(name):
    layer = Recurrent(CELLS[name], D, H, 2, True, engine="loop")
    lengths = torch.tensor([3, 7, 0, 1, 7])
    inside = (torch.arange(7) < lengths[:, None])[..., None]
    clean = torch.randn(5, 7, D) * inside
    dirty = clean.masked_fill(~inside, float("nan"))
    longer = torch.cat([dirty, torch.full((5, 4, D), float("inf"))], dim=1)
    results = []
    for x in (clean, dirty, longer):
        x.requires_grad_()
        layer.zero_grad()
        y, end = layer(x, lengths)
        ends = (end,) if isinstance(end, torch.Tensor) else end
        (y.square().sum() + sum(e.pow(2).sum() for e in ends if e.isfinite().all())).backward()
        assert not y[:, 7:].any()
        results.append([y[:, :7], *ends, x.grad[:, :7], *(p.grad for p in layer.parameters())])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_backward_twice_gives_the_same():
    """Kept values are not overwritten."""
    for cell in CELLS.values():
        layer = layer_of(cell, bidirectional=True, engine="loop")
        y = layer(torch.randn(2, 4, D, dtype=torch.float64))[0].square().sum()
        parameters = list(layer.parameters())
        first = torch.autograd.grad(y, parameters, retain_graph=True)
        assert all(map(torch.equal, first, torch.autograd.grad(y, parameters)))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_callers_can_overwrite_outputs(bidirectional):
    layer = layer_of("lstm", bidirectional=bidirectional, engine="loop")
    x = torch.randn(2, 4, D, dtype=torch.float64)
    parameters = list(layer.parameters())
    expected = torch.autograd.grad((layer(x)[0] * 2).square().sum(), parameters)
    actual = torch.autograd.grad(layer(x)[0].mul_(2).square().sum(), parameters)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("name", CELLS)
def test_strided_input_and_inference(name):
    layer = layer_of(CELLS[name], bidirectional=True, engine="loop")
    x = torch.randn(7, D, 5, dtype=torch.float64).permute(2, 0, 1)
    expected = layer(x.contiguous())[0]
    assert torch.equal(layer(x)[0], expected)
    with torch.no_grad():
        torch.testing.assert_close(layer(x)[0], expected)


def test_bfloat16_is_computed_in_float32():
    x = torch.randn(3, 50, D).bfloat16()
    layer = Recurrent("gru", D, H, engine="loop").bfloat16()
    expected = copy.deepcopy(layer).float()(x.float())[0]
    y, h = layer(x)
    assert (y.dtype, h.dtype) == (torch.bfloat16, torch.bfloat16)
    assert torch.equal(y, expected.bfloat16())


def test_adjacent_values_share_a_call():
    """The three gates of an lstm are one call of sigmoid, without extra buffers."""
    layout = layout_of(PRESETS["lstm"])
    calls = [(call.op, call.blocks) for call in layout.forward.calls]
    assert calls[0] == ("sigmoid", 3)
    assert len(calls) == 6
    assert (layout.forward.scratch, layout.forward.extra) == (0, 0)
    assert ("sigmoid_backward", 3) in [(c.op, c.blocks) for c in layout.backward.calls]


@pytest.mark.parametrize("name", CELLS)
def test_expressions_evaluate_to_the_values_of_the_step(name):
    cell = CELLS[name]
    plan = plan_of(cell)
    like = torch.empty(4, H, dtype=torch.float64)

    def random(names):
        return {key: torch.rand_like(like) for key in names}

    wx, state = random(cell.gates), random(cell.states)
    rh = random({gate for product in cell.products for gate in product.gates})
    unit = {vector.name: torch.rand(H, dtype=torch.float64) for vector in cell.vectors}
    known = {input_node(("state", k)): v for k, v in state.items()}
    known |= {input_node(("unit", k)): v.expand_as(like) for k, v in unit.items()}
    for slot in plan.slots:
        gate, _, part = slot.partition(" of ")
        parts = {"x": [wx], "h": [rh], "": [wx, rh]}[part]
        known[input_node(("slot", slot))] = sum(values[gate] for values in parts)
    expected = cell.step(wx, rh, state, unit)
    for key, value in zip(plan.values, evaluate(plan.values.values(), known, like), strict=True):
        torch.testing.assert_close(value, expected[key])


def test_cells_in_stages_are_refused():
    for name in ("lstm_layernorm", "gru_reset_before"):
        with pytest.raises(InputError, match="not loop: its step combines units, or multiplies"):
            Recurrent(name, D, H, engine="loop")(torch.zeros(1, 1, D))
