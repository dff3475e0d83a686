"""The scan engine: which cells are linear in their state, and their results."""

import pytest
import torch
from shared.cells import PRESETS
from torch import nn
from torch.func import functional_call

from seqtag.cells import Cell
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.spec import Product, Vector
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.compiler.linear import LinearCell, linear_form
from seqtag.recurrent.engines import scan as scan_module
from seqtag.recurrent.engines.scan import scan_
from seqtag.recurrent.noise import ZoneoutCell

D, H = 3, 5
LENGTHS = [None, torch.tensor([3, 7, 0, 1, 7]), torch.tensor([5, 4, 3, 2, 1])]


class TwoMemories(Cell):
    """A cell with two linear memories, and an output that is not linear in them."""

    gates = ("f", "z", "o")
    states = ("h", "c", "n")
    products = ()
    vectors = (Vector("p", 0.5), Vector("q", is_bias=True))
    initial_states = {"n": 1.0}  # noqa: RUF012

    def step(self, wx, rh, state, unit):
        f, o = sigmoid(wx["f"]), sigmoid(wx["o"] + unit["q"])
        c = f * state["c"] + (1 - f) * wx["z"]
        n = unit["p"] * state["n"] - wx["z"]
        return {"h": o * tanh(c + 0.5 * state["c"]) + tanh(n), "c": c, "n": n}


class Entangled(Cell):
    """A linear cell whose states depend on each other: it would need matrix products."""

    gates = ("z",)
    states = ("h", "c")
    products = ()

    def step(self, wx, rh, state, unit):
        return {"h": 0.5 * state["c"] + wx["z"], "c": 0.5 * state["h"]}


class Growing(Cell):
    """A cell whose state doubles at each step."""

    gates = ("z",)
    states = ("h",)
    products = ()

    def step(self, wx, rh, state, unit):
        return {"h": 2 * state["h"] + wx["z"]}


class Recurring(Growing):
    """A linear cell with an R."""

    products = (Product("h", ("z",)),)


CELLS = {
    "minlstm": PRESETS["minlstm"],
    "mingru": PRESETS["mingru"],
    "rg_lru": PRESETS["rg_lru"],
    "quasi": TwoMemories(),
    "growing": Growing(),
    "zoneout": ZoneoutCell(PRESETS["mingru"], 0.25),
}


def layer_of(cell, **options):
    layer = Recurrent(cell, D, H, **options).double()
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -0.7, 0.7)
    return layer


def test_which_cells_are_linear_in_their_state():
    linear_cells = {n for n, c in PRESETS.items() if isinstance(linear_form(c), LinearCell)}
    assert linear_cells == {"minlstm", "mingru", "rg_lru"}
    assert all(isinstance(linear_form(cell), LinearCell) for cell in CELLS.values())
    assert linear_form(TwoMemories()).carried == ("c", "n")
    assert linear_form(Entangled()) == "its state h depends on another state"
    assert linear_form(Recurring()) == "it has a recurrent weight R"
    assert linear_form(PRESETS["indrnn"]) == "it is not linear in its state h"


def test_cells_that_are_not_linear_are_refused():
    for cell in ("lstm", "indrnn", "lstm_layernorm"):
        with pytest.raises(InputError, match="not scan: "):
            Recurrent(cell, D, H, engine="scan")(torch.zeros(1, 1, D))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("options", [{"bidirectional": True, "num_layers": 2}, {"bias": False}])
def test_equals_reference_and_loop(name, lengths, options, outcome):
    layer = layer_of(CELLS[name], **options)
    expected, *others = (outcome(layer, e, lengths) for e in ("reference", "loop", "scan"))
    for actual in others:
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("name", ["minlstm", "quasi"])
def test_equals_reference_in_pieces(name, outcome, monkeypatch):
    """With time cut into pieces, in the scan and before it."""
    monkeypatch.setattr(scan_module, "SHORT", 3)
    monkeypatch.setattr(scan_module, "PIECE", 60)
    layer = layer_of(CELLS[name], bidirectional=True)
    lengths = torch.tensor([50, 3, 0, 1, 49])
    expected, actual = (outcome(layer, e, lengths, time=50) for e in ("reference", "scan"))
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("time", [0, 1, 2, 64, 65, 100, 257, 4200])
@pytest.mark.parametrize("backwards", [False, True])
def test_scan_equals_a_loop(time, backwards):
    """Also where a is 0 or 1, and where its products underflow."""
    a, b = torch.rand(time, 2, 3, dtype=torch.float64), torch.randn(time, 2, 3).double()
    a[::7], a[3::11], a[:, 0] = 0.0, 1.0, a[:, 0] * 1e-3
    start = torch.randn(2, 3, dtype=torch.float64)
    expected, state = b.clone(), start
    for t in reversed(range(time)) if backwards else range(time):
        state = a[t] * state + b[t]
        expected[t] = state
    copies = a.clone(), start.clone()
    scan_(a, b, start, backwards)
    torch.testing.assert_close(b, expected)
    assert torch.equal(a, copies[0])
    assert torch.equal(start, copies[1])


@pytest.mark.parametrize("name", CELLS)
def test_gradcheck(name):
    layer = Recurrent(CELLS[name], 2, 2, bidirectional=True, engine="scan").double()
    names = [n for n, _ in layer.named_parameters()]
    values = [p.detach().clone().uniform_(-0.9, 0.9).requires_grad_() for p in layer.parameters()]
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([4, 1, 0])

    def run(x, *values):
        y, end = functional_call(layer, dict(zip(names, values, strict=True)), (x, lengths))
        return y, *((end,) if isinstance(end, torch.Tensor) else end)

    assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True)


@pytest.mark.parametrize("name", CELLS)
def test_padding_changes_nothing_bitwise(name):
    """Even if the state would grow without bound after the end."""
    layer = Recurrent(CELLS[name], D, H, bidirectional=True, engine="scan")
    lengths = torch.tensor([3, 2000, 0])
    if name == "growing":
        layer = Recurrent(CELLS[name], D, H, engine="scan")
        lengths = torch.tensor([3, 5, 0])
    time = int(lengths.max())
    inside = (torch.arange(time) < lengths[:, None])[..., None]
    clean = torch.randn(3, time, D) * inside
    dirty = clean.masked_fill(~inside, float("nan"))
    longer = torch.cat([dirty, torch.full((3, 500, D), float("inf"))], dim=1)
    results = []
    for x in (clean, dirty, longer):
        x.requires_grad_()
        layer.zero_grad()
        y, end = layer(x, lengths)
        ends = (end,) if isinstance(end, torch.Tensor) else end
        (y.square().sum() + sum(e.pow(2).sum() for e in ends)).backward()
        assert not y[:, time:].any()
        results.append(
            [y[:, :time], *ends, x.grad[:, :time], *(p.grad for p in layer.parameters())]
        )
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_state_that_grows_after_the_end_does_no_harm():
    layer = Recurrent(Growing(), D, H, engine="scan")
    x = torch.randn(2, 2000, D)
    x[1] = 0.0
    y, _ = layer(x, torch.tensor([3, 2000]), torch.ones(1, 2, H))
    y[0].sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_long_and_bfloat16():
    layer = Recurrent("minlstm", D, H, bidirectional=True, engine="scan")
    x = torch.randn(2, 3000, D)
    lengths = torch.tensor([3000, 700])
    y, _ = layer(x, lengths)
    layer.engine = "loop"
    torch.testing.assert_close(y, layer(x, lengths)[0], rtol=1e-4, atol=1e-5)
    layer = layer.bfloat16()
    results = []
    for engine in ("scan", "loop"):
        layer.engine = engine
        y, h = layer(x.bfloat16(), lengths)
        assert (y.dtype, h.dtype) == (torch.bfloat16, torch.bfloat16)
        results.append(y.float())
    torch.testing.assert_close(*results, rtol=0.01, atol=0.01)
