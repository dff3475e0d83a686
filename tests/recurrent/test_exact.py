"""Engines compared with torch's modules, with each other, and under different padding.

B batch, T time, D features in, H hidden units, L layers times directions.
"""

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqtag.cells import Lstm
from seqtag.recurrent import Recurrent

B, T, D, H = 4, 7, 3, 5
LENGTHS = torch.tensor([5, 1, 7, 4])
WITH_EMPTY = torch.tensor([5, 0, 6, 1])


def states_of(cell, layers, batch=B, dtype=torch.float64, **options):
    """Return a random initial state in the form that a layer takes."""
    parts = tuple(torch.randn(layers, batch, H, dtype=dtype, **options) for _ in cell.states)
    return parts if len(parts) > 1 else parts[0]


def flat(state):
    """Return a state as one tensor."""
    return state if isinstance(state, torch.Tensor) else torch.stack(tuple(state))


def layer_and_module(cell, num_layers, bidirectional, **options):
    """Return a float64 layer and the torch module with the same weights."""
    layer = Recurrent(cell, D, H, num_layers, bidirectional, **options).double()
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -0.6, 0.6)
    return layer, layer.to_torch()


def run_packed(module, x, lengths, state):
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, end = module(packed, state)
    return pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0], end


@pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias"),
    [(1, False, True), (1, True, False), (2, False, False), (2, True, True)],
)
def test_equals_torch_packed(cell, engine, num_layers, bidirectional, bias):
    layer, module = layer_and_module(cell, num_layers, bidirectional, bias=bias, engine=engine)
    x = torch.randn(B, T, D, dtype=torch.float64)
    directions = 2 if bidirectional else 1
    for state in (None, states_of(cell, num_layers * directions)):
        y, end = layer(x, LENGTHS, state)
        expected_y, expected_end = run_packed(module, x, LENGTHS, state)
        torch.testing.assert_close(y, expected_y)
        torch.testing.assert_close(end, expected_end)
        y, end = layer(x, None, state)
        expected_y, expected_end = module(x, state)
        torch.testing.assert_close(y, expected_y)
        torch.testing.assert_close(end, expected_end)


def test_gradients_equal_torch_packed(cell, engine):
    layer, module = layer_and_module(cell, 2, True, engine=engine)
    x = torch.randn(B, T, D, dtype=torch.float64, requires_grad=True)
    state = states_of(cell, 4)
    weight_y, weight_end = torch.randn(B, T, 2 * H), torch.randn_like(flat(state))
    grads = []
    for y, end in (layer(x, LENGTHS, state), run_packed(module, x, LENGTHS, state)):
        loss = (y * weight_y).sum() + (flat(end) * weight_end).sum()
        grads.append(torch.autograd.grad(loss, x, retain_graph=True)[0])
        loss.backward()
    torch.testing.assert_close(*grads)
    for direction_name, suffix in (("fwd", ""), ("bwd", "_reverse")):
        direction = layer.layers[0][direction_name]
        for ours, theirs in (("weight_input", "ih"), ("weight_recurrent", "hh")):
            expected = getattr(module, f"weight_{theirs}_l0{suffix}").grad
            torch.testing.assert_close(getattr(direction, ours).grad, expected)
        expected = getattr(module, f"bias_ih_l0{suffix}").grad
        torch.testing.assert_close(direction.bias.grad, expected)


@pytest.mark.parametrize("lengths", [LENGTHS, WITH_EMPTY, torch.full((B,), 4)])
def test_torch_engine_equals_reference(cell, lengths):
    """Also for sequences without steps, which torch cannot pack."""
    layer, _ = layer_and_module(cell, 2, True, engine="torch")
    state = states_of(cell, 4)
    results = []
    for engine in ("torch", "reference"):
        layer.engine = engine
        layer.zero_grad()
        x = torch.randn(B, T, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        y, end = layer(x, lengths, state)
        (y.square().sum() + flat(end).pow(3).sum()).backward()
        grads = [p.grad for p in layer.parameters()]
        results.append((y.detach(), flat(end).detach(), x.grad, *grads))
    torch.testing.assert_close(*results)


def test_sequence_without_steps_keeps_its_state(cell, engine):
    layer, _ = layer_and_module(cell, 1, True, engine=engine)
    state = states_of(cell, 2)
    x = torch.randn(B, T, D, dtype=torch.float64)
    y, end = layer(x, WITH_EMPTY, state)
    assert not y[1].any()
    assert torch.equal(flat(end)[..., 1, :], flat(state)[..., 1, :])
    y, end = layer(x, torch.zeros(B, dtype=torch.int64), state)
    assert y.shape == (B, T, 2 * H)
    assert not y.any()
    assert torch.equal(flat(end), flat(state))


@pytest.mark.parametrize(
    ("dtype", "lengths"),
    [
        (torch.float32, WITH_EMPTY),
        (torch.float64, LENGTHS - (LENGTHS == T).long()),
        (torch.float64, None),
    ],
)
def test_padding_changes_nothing_bitwise(cell, engine, dtype, lengths):
    """NaN or more steps after the end: outputs, states and gradients are bitwise equal."""
    layer = Recurrent(cell, D, H, 2, True, engine=engine, residual=True, layer_norm=True).to(dtype)
    state = states_of(cell, 4, dtype=dtype)
    lengths = torch.full((B,), T - 1) if lengths is None else lengths
    inside = torch.arange(T) < lengths[:, None]
    clean = torch.randn(B, T, D, dtype=dtype) * inside[..., None]
    dirty = clean.masked_fill(~inside[..., None], float("nan"))
    longer = torch.cat([dirty, torch.full((B, 9, D), float("inf"), dtype=dtype)], dim=1)
    results = []
    for x in (clean, dirty, longer):
        x.requires_grad_()
        layer.zero_grad()
        y, end = layer(x, lengths, state)
        (y.square().sum() + flat(end).pow(3).sum()).backward()
        assert not y[:, T:].any()
        assert not x.grad[:, :T][~inside].any()
        grads = [p.grad for p in layer.parameters()]
        results.append([y[:, :T], flat(end), x.grad[:, :T], *grads])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_nan_stays_in_its_sequence(cell, engine):
    layer = Recurrent(cell, D, H, 1, True, engine=engine)
    x = torch.randn(B, T, D)
    expected, _ = layer(x, LENGTHS)
    x[0, 2] = float("nan")
    y, end = layer(x, LENGTHS)
    assert torch.equal(y[1:], expected[1:])
    assert not y[0, LENGTHS[0] :].any()
    assert flat(end)[..., 1:, :].isfinite().all()


@pytest.mark.parametrize("lengths", [None, torch.tensor([3, 1, 0])])
def test_gradcheck(cell, engine, lengths):
    layer = Recurrent(cell, 2, 2, bidirectional=True, engine=engine).double()
    names = [name for name, _ in layer.named_parameters()]
    # relu has no derivative at 0: these values stay away from it.
    values = [p.detach().clone().uniform_(-0.9, 0.9).requires_grad_() for p in layer.parameters()]
    x = torch.randn(3, 3, 2, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True) for _ in cell.states]

    def run(x, *rest):
        start = rest[: len(state)]
        start = tuple(start) if len(start) > 1 else start[0]
        named = dict(zip(names, rest[len(state) :], strict=True))
        y, end = functional_call(layer, named, (x, lengths, start))
        return y, flat(end)

    assert torch.autograd.gradcheck(run, (x, *state, *values), fast_mode=True)


def test_last_state_of_a_sequence_with_long_padding():
    """The kernel keeps c over a hundred steps of padding."""
    layer = Recurrent(Lstm(), D, H)
    x = torch.randn(2, 100, D)
    _, (h, c) = layer(x, torch.tensor([100, 3]))
    _, (short_h, short_c) = layer(x[1:, :3].contiguous())
    torch.testing.assert_close(c[:, 1:], short_c, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(h[:, 1:], short_h, rtol=1e-6, atol=1e-7)
