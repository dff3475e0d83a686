"""The engines of cells with a matrix state against the reference, in float64 and float32.

B batch, T time, D features in, H hidden units.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.cells import MATRIX

from seqtag.errors import InputError
from seqtag.model.size import count_parameters
from seqtag.recurrent import Recurrent
from seqtag.recurrent.engines import cpu
from seqtag.recurrent.engines.base import UnexpectedRefusal
from seqtag.recurrent.engines.registry import choose_engine

B, T, D, H = 3, 11, 3, 4
# Four features a head: with two the gradient of a norm is so small that rounding is a part of it.
COMPARED = 8
LENGTHS = torch.tensor([11, 6, 0])
OPTIONS = {name: {} for name in MATRIX} | {
    "mlstm-convolution": {"convolution": 3},
    "deltanet-signed": {"signed": True},
    "gated_deltanet-signed": {"signed": True, "convolution": 2},
    "mamba2-signed": {"signed": True, "state_size": 3},
}


both_engines = pytest.mark.parametrize("engine", ["chunked", "cpu"])


def pair(name, engine, **more):
    """Return the same layer on the reference and another engine, with random parameters."""
    cell = {"name": name.partition("-")[0], "heads": 2, "chunk": 4, **OPTIONS[name]}
    torch.manual_seed(0)
    layers = [
        Recurrent(cell, D, COMPARED, engine=e, **more).double() for e in ("reference", engine)
    ]
    for parameter in layers[0].parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    layers[1].load_state_dict(layers[0].state_dict())
    return layers


def without_scale(cell, state):
    """Return the states of mlstm without their common factor exp(-m), and others as they are."""
    named = dict(zip(cell.states, state, strict=True))
    if "m" in named:
        scale = named.pop("m").exp()
        named["C"] = named["C"] * scale[..., None, None]
        named["n"] = named["n"] * scale[..., None]
    return list(named.values())


def outcome(layer, x, lengths, state=None):
    """Return outputs, states, traces and the gradients of all inputs and parameters."""
    inputs = [x.clone().requires_grad_(), *(s.clone().requires_grad_() for s in state or ())]
    y, final, trace = layer(inputs[0], lengths, inputs[1:] or None, trace=True)
    draw = torch.Generator().manual_seed(1)
    values = [y, *without_scale(layer.cell, final)]
    weighted = ((v * torch.randn(v.shape, generator=draw, dtype=v.dtype)).sum() for v in values)
    # The first state of mlstm is the output again, and `past` has no gradient without steps.
    leaves = [*inputs, *layer.parameters()]
    gradients = torch.autograd.grad(sum(weighted), leaves, allow_unused=True)
    return values, trace, gradients


@both_engines
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("given", [False, True], ids=["zero", "given"])
def test_equals_the_reference(name, given, engine):
    reference, layer = pair(name, engine, num_layers=2, bidirectional=True)
    x = torch.randn(B, T, D, dtype=torch.float64)
    state = None
    if given:
        state = tuple(torch.randn_like(s) for s in reference(x)[1])
    expected, actual = (outcome(run, x, LENGTHS, state) for run in (reference, layer))
    torch.testing.assert_close(actual, expected, atol=1e-10, rtol=1e-9)


@both_engines
@pytest.mark.parametrize("name", OPTIONS)
def test_gradcheck(name, engine):
    _, layer = pair(name, engine)
    x = torch.randn(2, 6, D, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([6, 4])

    def run(x, *parameters):
        names = [n for n, _ in layer.named_parameters()]
        swapped = dict(zip(names, parameters, strict=True))
        y, state = torch.func.functional_call(layer, swapped, (x, lengths))
        return (y, *without_scale(layer.cell, state))

    assert torch.autograd.gradcheck(run, (x, *layer.parameters()), fast_mode=True)


@both_engines
@pytest.mark.parametrize("name", OPTIONS)
def test_continues_from_a_state(name, engine):
    _, layer = pair(name, engine, num_layers=2)
    x = torch.randn(B, T, D, dtype=torch.float64)
    y, state = layer(x)
    first, middle = layer(x[:, :6])
    second, end = layer(x[:, 6:], None, middle)
    torch.testing.assert_close(torch.cat([first, second], 1), y)
    torch.testing.assert_close(without_scale(layer.cell, end), without_scale(layer.cell, state))


@both_engines
@pytest.mark.parametrize("name", OPTIONS)
def test_padding_has_no_effect(name, engine):
    """What it contains: none at all. How much there is: rounding."""
    _, layer = pair(name, engine, bidirectional=True)
    x = torch.randn(B, T, D, dtype=torch.float64)
    y, state = layer(x, LENGTHS)
    spoiled = x.clone()
    for row, length in enumerate(LENGTHS):
        spoiled[row, length:] = float("nan")
    again, same = layer(spoiled, LENGTHS)
    assert torch.equal(again, y)
    assert all(torch.equal(a, b) for a, b in zip(same, state, strict=True))
    assert not y[1, 6:].any()
    alone, end = layer(x[1:2, :6])
    torch.testing.assert_close(y[1:2, :6], alone, atol=1e-12, rtol=0)
    torch.testing.assert_close([s[:, 1:2] for s in state], list(end), atol=1e-12, rtol=0)
    # A sequence without steps keeps its state.
    start = tuple(torch.randn_like(s) for s in state)
    for before, after in zip(start, layer(x, LENGTHS, start)[1], strict=True):
        assert torch.equal(before[:, 2], after[:, 2])


@pytest.mark.parametrize("name", MATRIX)
@given(time=st.integers(1, 9), chunk=st.integers(1, 12), data=st.data())
@settings(max_examples=15, deadline=None)
def test_any_chunk_and_lengths_give_the_same(name, time, chunk, data):
    lengths = torch.tensor(data.draw(st.lists(st.integers(0, time), min_size=1, max_size=3)))
    torch.manual_seed(0)
    cell = {"name": name, "heads": 2}
    choices = ((chunk, "chunked"), (64, "chunked"), (64, "cpu"))
    layers = [Recurrent({**cell, "chunk": c}, D, H, engine=e).double() for c, e in choices]
    x = torch.randn(len(lengths), time, D, dtype=torch.float64)
    for layer in layers[1:]:
        layer.load_state_dict(layers[0].state_dict())
        torch.testing.assert_close(layers[0](x, lengths), layer(x, lengths))


@both_engines
@pytest.mark.parametrize("name", MATRIX)
def test_large_gates_stay_finite(name, engine):
    layer = Recurrent({"name": name, "heads": 2, "chunk": 8}, D, H, engine=engine)
    x = (100 * torch.randn(2, 40, D)).requires_grad_()
    y, _ = layer(x, torch.tensor([40, 3]))
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


@both_engines
@pytest.mark.parametrize("name", MATRIX)
def test_dtypes_and_no_steps(name, engine):
    layer = Recurrent({"name": name, "heads": 2}, D, H, 2, bidirectional=True, engine=engine)
    assert layer(torch.zeros(2, 0, D))[0].shape == (2, 0, 2 * H)
    assert layer(torch.zeros(0, 5, D))[0].shape == (0, 5, 2 * H)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.randn(2, 5, D))[0].dtype == torch.float32
    assert layer.bfloat16()(torch.randn(2, 5, D).bfloat16())[0].dtype == torch.bfloat16


def test_auto_takes_the_kernel_and_without_a_compiler_chunks(monkeypatch):
    x = torch.zeros(1, 2, D)
    assert choose_engine("auto", MATRIX["mlstm"], x, traces=True).name == "cpu"
    with pytest.raises(InputError, match="not chunked: it is for cells with a matrix state"):
        Recurrent("lstm", D, 8, engine="chunked")(x)
    with pytest.raises(InputError, match="not loop: its state is a matrix"):
        Recurrent("mlstm", D, 8, engine="loop")(x)
    failed = UnexpectedRefusal("no C++ compiler found")
    monkeypatch.setattr(cpu, "_matrix_failure", lambda dtype: failed)
    assert choose_engine("auto", MATRIX["mlstm"], x, traces=True).name == "chunked"


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ({"heads": 3}, {}, r"has 3 heads, which do not divide hidden_size, 4: .* multiple of 3"),
        ({"heads": 0}, {}, "heads must be .*at least 1"),
        ({"chunk": 0}, {}, "chunk must be .*at least 1"),
        ({"convolution": -1}, {}, "convolution must be"),
        ({}, {"zoneout": 0.1}, "the state of MLstm.* is a matrix"),
        ({}, {"recurrent_dropout": 0.1}, "needs a recurrent weight R"),
    ],
)
def test_refused(cell, options, message):
    with pytest.raises(InputError, match=message):
        Recurrent({"name": "mlstm", **cell}, D, H, **options)


def test_a_state_of_a_wrong_shape_is_refused():
    layer = Recurrent({"name": "deltanet", "heads": 2}, D, H)
    state = (torch.zeros(1, 2, H), torch.zeros(1, 2, H))
    with pytest.raises(InputError, match=r"state S must have the shape \(1, 2, 2, 2, 2\)"):
        layer(torch.zeros(2, 3, D), None, state)


def test_parameters_of_one_direction():
    """W (4H + A) rows of D, b (4H + A), the gain: no R."""
    layer = Recurrent({"name": "deltanet", "heads": 2}, D, H)
    assert count_parameters(layer) == (4 * H + 2) * (D + 1) + H
