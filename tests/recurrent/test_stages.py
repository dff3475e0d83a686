"""Cells of a few lines whose step needs several stages: inner products and reductions over units.

B batch, T time, D features in, H hidden units.
"""

import pytest
import torch
from shared.staged_cells import CELLS, Both, Counted, Inner

from seqtag.cells import Product
from seqtag.cells.functions import tanh
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.compiler.plan import plan_of
from seqtag.recurrent.counting import counting
from seqtag.recurrent.engines.registry import choose_engine

RAGGED = torch.tensor([4, 1, 0, 3, 4, 2, 4])
B, T, D, H = len(RAGGED), 4, 3, 9


# Each kernel takes seconds to compile; one cell has everything.
@pytest.fixture(
    params=[pytest.param(n, marks=pytest.mark.slow if n != "both" else ()) for n in CELLS]
)
def cell(request):
    return CELLS[request.param]


def layer_of(cell, **options):
    layer = Recurrent(cell, D, H, bidirectional=True, **options).double()
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.9, 0.9, generator=draw)
    return layer


def outcome(layer, engine, lengths, trace=False, x=None):
    """Return results and all gradients; with traces, of losses that depend on them."""
    draw = torch.Generator().manual_seed(2)

    def random(*shape):
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    layer.engine = engine
    x = (random(B, T, D) if x is None else x).clone().requires_grad_()
    states = [random(2, B, H).requires_grad_() for _ in layer.cell.states]
    torch.manual_seed(3)
    y, end, *traces = layer(x, lengths, tuple(states) if len(states) > 1 else states[0], trace)
    results = [y, *(end if isinstance(end, tuple) else (end,))]
    results += [v for by_name in traces for side in by_name.values() for v in side.values()]
    draw.manual_seed(4)
    loss = sum((result * random(*result.shape)).sum() for result in results)
    return [*results, *torch.autograd.grad(loss, (x, *states, *layer.parameters()))]


@pytest.mark.parametrize("trace", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_kernel_equals_the_reference(cell, trace):
    layer = layer_of(cell)
    for lengths in (None, RAGGED):
        found, expected = (outcome(layer, e, lengths, trace) for e in ("cpu", "reference"))
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)
    assert choose_engine("auto", counting(cell), torch.zeros(B, T, D), trace).name == "cpu"


def test_padding_changes_nothing_bitwise(cell):
    layer = layer_of(cell)
    inside = (torch.arange(T) < RAGGED[:, None])[..., None]
    clean = torch.randn(B, T, D, dtype=torch.float64) * inside
    dirty = clean.masked_fill(~inside, float("nan"))
    first, second = (outcome(layer, "cpu", RAGGED, x=x) for x in (clean, dirty))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_stages_end_where_units_are_combined():
    count = {name: plan_of(counting(cell)).forward.count for name, cell in CELLS.items()}
    assert count == {"inner": 2, "reduced": 5, "both": 7, "counted": 1}
    assert plan_of(Inner()).slots == ("r", "n")
    assert list(plan_of(Both()).operands) == ["u", "v"]


def test_heads_multiply_their_own_units():
    layer = layer_of(Counted())
    compact = layer.layers[0]["fwd"].weight_recurrent
    assert compact.shape == (H, H // 3)
    (dense,) = layer.layers[0]["fwd"].weights().recurrent
    expected = torch.block_diag(*compact.split(H // 3))
    assert torch.equal(dense, expected)
    for block in Recurrent(Counted(), D, H).layers[0]["fwd"].weight_recurrent.split(H // 3):
        torch.testing.assert_close(block @ block.T, torch.eye(H // 3), atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="has 3 heads, which do not divide hidden_size, 8"):
        Recurrent(Counted(), D, 8)
    with pytest.raises(InputError, match="the heads of a product must be"):
        Recurrent(type("None", (Counted,), {"products": (Product("h", ("a",), 0),)})(), D, 8)


@pytest.mark.parametrize("engine", ["loop", "reference"])
def test_steps_are_counted_in_the_direction_of_reading(engine):
    layer = layer_of(Counted(), engine=engine, zoneout=0.3)
    _, _, traces = layer(torch.randn(B, T, D, dtype=torch.float64), RAGGED, trace=True)
    forwards, backwards = (side["share"][0, :, 0] for side in traces.values())
    steps = 1 / torch.arange(2.0, 2 + T, dtype=torch.float64)
    torch.testing.assert_close(forwards, steps)
    torch.testing.assert_close(backwards, steps.flip(0))
    assert "step" not in traces["l0.fwd"]


class Cycle(Inner):
    def step(self, wx, rh, state, unit):
        return {"h": tanh(wx["n"] + rh["n"](rh["n"](wx["r"] + rh["r"])))}


class Uncalled(Inner):
    def step(self, wx, rh, state, unit):
        return {"h": tanh(wx["n"] + wx["r"] + rh["r"])}


class Mixing(Inner):
    def step(self, wx, rh, state, unit):
        return {"h": torch.softmax(wx["n"] + rh["n"](rh["r"]), dim=-1)}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Cycle, r"calls rh\['n'\] for two values, a cycle of products"),
        (Uncalled, r"never calls rh\['n'\]"),
        (Mixing, "combines units with an operation that is not a reduction"),
    ],
)
def test_steps_that_cannot_be_staged_are_refused(cell, message):
    with pytest.raises(InputError, match=message):
        Recurrent(cell(), D, H)


def test_second_derivatives_name_the_engine_that_has_them():
    x = torch.randn(2, 3, D, requires_grad=True)
    layer = Recurrent("rnn", D, 4, engine="cpu")

    def penalty():
        (grad,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
        return grad.square().sum()

    with pytest.raises(InputError, match=r"no second derivatives; .*engine='reference'"):
        penalty().backward()
    layer.engine = "reference"
    penalty().backward()
    assert x.grad.any()
