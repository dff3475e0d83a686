"""The kernel with unusual shapes, strides and values.

B batch, T time, D features in, H hidden units.
"""

from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.nn.functional import linear, logsigmoid

from seqtag.cells import Cell, Lstm, Product, Vector
from seqtag.cells.functions import maximum, sigmoid, tanh
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent

D = 5


def ends_of(state):
    return torch.stack(tuple(state)) if isinstance(state, tuple) else state


def run(layer, engine, x, lengths=None, state=None):
    """Return outputs, final states and all gradients."""
    layer.engine = engine
    x = x.detach().clone().requires_grad_()
    y, end = layer(x, lengths, state)
    loss = y.square().sum() + ends_of(end).pow(3).sum()
    grads = torch.autograd.grad(loss, (x, *layer.parameters()))
    return [y.detach(), ends_of(end).detach(), *grads]


def assert_engines_agree(layer, x, *given, **exact):
    torch.testing.assert_close(
        run(layer, "cpu", x, *given), run(layer, "reference", x, *given), **exact
    )


def test_twenty_thousand_steps():
    """All values are finite in both passes, and the first steps equal the reference."""
    layer = Recurrent("lstm", D, 8, engine="cpu").double()
    x = torch.randn(2, 20_000, D, dtype=torch.float64)
    found = run(layer, "cpu", x)
    assert all(value.isfinite().all() for value in found)
    layer.engine = "reference"
    with torch.no_grad():
        torch.testing.assert_close(found[0][:, :500], layer(x[:, :500])[0], rtol=1e-10, atol=1e-12)
    # The last output does not depend on the start: the last 2,000 steps alone give the same.
    layer.engine = "cpu"
    torch.testing.assert_close(layer(x[:, -2000:])[0][:, -1], found[0][:, -1])


@pytest.mark.parametrize("hidden", [1, 7, 8, 9, 16, 17])
@pytest.mark.parametrize("cell", ["lstm", "rnn", "gru"])
def test_units_that_do_not_fill_registers(cell, hidden):
    layer = Recurrent(cell, 3, hidden, 2, True).double()
    x = torch.randn(7, 5, 3, dtype=torch.float64)
    lengths = torch.tensor([5, 2, 0, 4, 5, 1, 3])
    assert_engines_agree(layer, x, lengths, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("features", [1, 2, 15, 16, 17, 70])
def test_various_numbers_of_features(features):
    layer = Recurrent("lstm", features, 3).double()
    assert_engines_agree(
        layer, torch.randn(4, 3, features, dtype=torch.float64), rtol=1e-10, atol=1e-12
    )


def test_a_thousand_units():
    layer = Recurrent("lstm", 10, 1000)
    assert_engines_agree(
        layer, torch.randn(3, 4, 10), torch.tensor([4, 1, 2]), rtol=2e-4, atol=2e-5
    )


@pytest.mark.parametrize("batch", [1, 2, 6, 7, 13])
@pytest.mark.parametrize("time", [1, 2])
def test_few_rows_and_steps(batch, time):
    layer = Recurrent("lstm", D, 6, bidirectional=True).double()
    x = torch.randn(batch, time, D, dtype=torch.float64)
    assert_engines_agree(layer, x, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (3, 0)])
def test_empty_batches_and_sequences(shape):
    layer = Recurrent("lstm", D, 6, bidirectional=True, engine="cpu")
    y, (h, c) = layer(torch.randn(*shape, D), torch.zeros(shape[0], dtype=torch.int64))
    assert y.shape == (*shape, 12)
    assert h.shape == c.shape == (2, shape[0], 6)
    (y.sum() + h.sum()).backward()
    assert not any(p.grad is None or p.grad.any() for p in layer.parameters())


def strided(x, strides):
    """Return the same numbers with other strides."""
    if strides == "time first":
        return x.transpose(0, 1).contiguous().transpose(0, 1)
    if strides == "features first":
        return x.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    if strides == "slice of features":
        return torch.cat([x, x], dim=2)[..., : x.shape[2]]
    return torch.cat([x, x], dim=1).flip(0).flip(0)[:, : x.shape[1]]


@pytest.mark.parametrize(
    "strides", ["time first", "features first", "slice of features", "slice of time"]
)
def test_inputs_with_any_strides(strides):
    layer = Recurrent("lstm", D, 6, bidirectional=True, engine="cpu").double()
    x = torch.randn(4, 3, D, dtype=torch.float64)
    lengths = torch.tensor([3, 1, 2, 3])
    other = strided(x, strides)
    assert other.equal(x)
    y, _ = layer(x, lengths)
    strided_y, _ = layer(other, lengths)
    assert torch.equal(strided_y, y)
    one = torch.randn(1, 1, D, dtype=torch.float64).expand(4, 3, D)
    torch.testing.assert_close(layer(one)[0], layer(one.contiguous())[0], rtol=0, atol=0)


@pytest.mark.parametrize("shape", ["broadcast", "time first", "part"])
def test_gradients_with_any_strides(shape):
    layer = Recurrent("lstm", D, 6, engine="cpu").double()
    x = torch.randn(4, 3, D, dtype=torch.float64, requires_grad=True)
    y, _ = layer(x)
    arriving = {
        "broadcast": torch.ones((), dtype=y.dtype).expand_as(y),
        "time first": torch.randn(3, 4, 6, dtype=y.dtype).transpose(0, 1),
        "part": torch.randn(4, 3, 9, dtype=y.dtype)[..., 2:8],
    }[shape]
    (found,) = torch.autograd.grad(y, x, arriving, retain_graph=True)
    (expected,) = torch.autograd.grad(y, x, arriving.contiguous())
    assert torch.equal(found, expected)


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_bfloat16_in_and_out(cell):
    """Computed in float32: the result is the float32 result, rounded once."""
    layer = Recurrent(cell, D, 12, 1, True, engine="cpu").bfloat16()
    x = torch.randn(6, 9, D).bfloat16()
    lengths = torch.tensor([9, 1, 0, 5, 9, 3])
    found = run(layer, "cpu", x, lengths)
    assert {value.dtype for value in found} == {torch.bfloat16}
    wide = Recurrent(cell, D, 12, 1, True, engine="cpu")
    wide.load_state_dict(layer.state_dict())
    expected = run(wide, "cpu", x.float(), lengths)
    assert torch.equal(found[0], expected[0].bfloat16())
    assert torch.equal(found[1], expected[1].bfloat16())
    for grad, exact in zip(found[2:], expected[2:], strict=True):
        torch.testing.assert_close(grad.float(), exact, rtol=0.03, atol=0.03 * exact.abs().max())


def slstm_in_log_space(layer, x_BTD):
    """Return h of every step in float64: a mean of all z so far, weighted by exponentials of sums.

    At step t, the log weight of step s is a_i of s plus the logs of all forget gates in between.
    """
    direction = layer.layers[0]["fwd"]
    w_GD, r_GH, b_G = (p.detach().double() for p in direction.parameters())
    h_BH = x_BTD.new_zeros(x_BTD.shape[0], layer.hidden_size, dtype=torch.float64)
    logs, seen, outputs = [], [], []
    for x_BD in x_BTD.double().unbind(1):
        a_i, a_f, a_z, a_o = (linear(x_BD, w_GD, b_G) + linear(h_BH, r_GH)).chunk(4, dim=-1)
        logs = [log + logsigmoid(a_f) for log in logs] + [a_i]
        seen.append(a_z.tanh())
        shares = torch.stack(logs).softmax(0)
        h_BH = a_o.sigmoid() * (shares * torch.stack(seen)).sum(0)
        outputs.append(h_BH)
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("engine", ["cpu", "reference"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gates", ["i", "f", "both"])
def test_slstm_at_pre_activations_of_80(engine, dtype, gates):
    """+-80 at the exponential gate, at the forget gate, or at both, drawn at each step."""
    layer = Recurrent("slstm", 2, 6, engine=engine).to(dtype)
    direction = layer.layers[0]["fwd"]
    with torch.no_grad():
        direction.weight_input.uniform_(-1, 1)
        direction.weight_recurrent.mul_(0.3)
        blocks = dict(zip(layer.cell.gates, direction.weight_input.split(6), strict=True))
        for gate in ("i", "f") if gates == "both" else gates:
            blocks[gate][:, 0] = 80.0
    x = torch.randn(3, 40, 2, dtype=dtype)
    x[..., 0] = x[..., 0].sign()
    found = run(layer, engine, x)
    assert all(value.isfinite().all() for value in found)
    # Sums near 80 are rounded before the exponential: by 80 * 2**-24 in float32, at each step.
    exact = (
        {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 1e-9, "atol": 1e-11}
    )
    torch.testing.assert_close(found[0].double(), slstm_in_log_space(layer, x), **exact)


def minimal_cell_as_a_sum(layer, x_BTD, h_BH):
    """Return h of every step as an explicit sum over all previous steps."""
    direction = layer.layers[0]["fwd"]
    a = linear(x_BTD, direction.weight_input, direction.bias)
    if layer.cell.gates == ("z", "n"):
        z, n = a.chunk(2, dim=-1)
        keep, new = 1 - z.sigmoid(), z.sigmoid() * n
    else:
        f, i, z = a.chunk(3, dim=-1)
        keep = f.sigmoid() / (f.sigmoid() + i.sigmoid())
        new = i.sigmoid() / (f.sigmoid() + i.sigmoid()) * z
    outputs = []
    for t in range(x_BTD.shape[1]):
        after = [keep[:, s + 1 : t + 1].prod(1) for s in range(t + 1)]
        sums = sum(share * new[:, s] for s, share in enumerate(after))
        outputs.append(sums + keep[:, : t + 1].prod(1) * h_BH)
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("engine", ["cpu", "reference"])
@pytest.mark.parametrize("cell", ["minlstm", "mingru"])
def test_minimal_cells_equal_weighted_sums(cell, engine):
    layer = Recurrent(cell, D, 6, engine=engine).double()
    x = torch.randn(3, 12, D, dtype=torch.float64)
    h = torch.randn(3, 6, dtype=torch.float64)
    y, end = layer(x, None, h[None])
    torch.testing.assert_close(y, minimal_cell_as_a_sum(layer, x, h), rtol=1e-11, atol=1e-12)
    assert torch.equal(end[0], y[:, -1])


def test_minlstm_with_both_gates_closed():
    """F / (F + I) where F and I underflow to 0."""
    layer = Recurrent("minlstm", 1, 3, engine="cpu").double()
    nn.init.zeros_(layer.layers[0]["fwd"].weight_input)
    with torch.no_grad():
        layer.layers[0]["fwd"].bias.copy_(torch.tensor([-900.0] * 6 + [2.0] * 3))
    y, _ = layer(torch.zeros(1, 3, 1, dtype=torch.float64))
    torch.testing.assert_close(y[0, :, 0], torch.tensor([1.0, 1.5, 1.75], dtype=torch.float64))


class TwoProducts(Cell):
    """A small cell with two products, a slot without W x, vectors, and a state that starts at 1.

        q = sigmoid(R_q h' + S_q s' + u)       no W x
        h = q tanh(W_a x + R_a h' + b) + (1 - q) / s'
        s = max(s', h) / (1 + h^2)

    In lanes after the last unit the kernel divides by 0, which must not affect the results.
    """

    gates = ("a",)
    states = ("h", "s")
    products = (Product("h", ("a", "q")), Product("s", ("q",)))
    vectors = (Vector("u", start=0.3), Vector("b", start=0.1, is_bias=True))
    initial_states: ClassVar = {"s": 1.0}

    def step(self, wx, rh, state, unit):
        q = sigmoid(rh["q"] + unit["u"])
        h = q * tanh(wx["a"] + rh["a"] + unit["b"]) + (1 - q) / state["s"]
        return {"q": q, "h": h, "s": maximum(state["s"], h) / (1 + h * h)}


@pytest.mark.parametrize("bias", [True, False])
def test_a_small_cell_runs_on_every_engine(bias):
    layer = Recurrent(TwoProducts(), 4, 11, 2, True, bias=bias, engine="cpu").double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.8, 0.8)
    x = torch.randn(8, 6, 4, dtype=torch.float64)
    lengths = torch.tensor([6, 1, 0, 3, 6, 2, 4, 5])
    state = tuple(torch.rand(4, 8, 11, dtype=torch.float64) + 0.5 for _ in range(2))
    for given in ((None, None), (lengths, None), (lengths, state)):
        assert_engines_agree(layer, x, *given, rtol=1e-10, atol=1e-12)
    layer.engine = "auto"
    assert torch.equal(layer(x, lengths)[0], run(layer, "cpu", x, lengths)[0])


def test_backward_twice_and_through_single_results():
    """Kept values stay as long as the graph; a second derivative is refused."""
    layer = Recurrent(Lstm(), D, 6, engine="cpu").double()
    x = torch.randn(2, 4, D, dtype=torch.float64, requires_grad=True)
    y, (h, c) = layer(x)
    first = torch.autograd.grad(y.sum(), x, retain_graph=True)[0]
    assert torch.equal(torch.autograd.grad(y.sum(), x, retain_graph=True)[0], first)
    (h_alone,) = torch.autograd.grad(h.sum(), x, retain_graph=True)
    (last,) = torch.autograd.grad(y[:, -1].sum(), x, retain_graph=True)
    torch.testing.assert_close(h_alone, last, rtol=1e-12, atol=1e-14)
    (twice,) = torch.autograd.grad(c.sum(), x, create_graph=True)
    with pytest.raises(InputError, match="no second derivatives"):
        twice.sum().backward()
