"""Every cell and option: gradcheck of the reference, and the kernel compared with the reference.

The reference uses autograd. The derivative of the kernel is generated, so all its gradients are
compared with those of the reference, in float64. B batch, T time, D features in, H hidden units.
"""

import itertools

import pytest
import torch
from shared.cells import PRESETS
from torch.func import functional_call

from seqtag.cells import Lstm
from seqtag.recurrent import Recurrent

# One field at a time, for the reference.
FIELDS = {
    "peephole_i": Lstm(peepholes=("i",)),
    "peephole_f": Lstm(peepholes=("f",)),
    "peephole_o": Lstm(peepholes=("o",)),
    "coupled_forget_gate": Lstm(forget_gate="coupled"),
}
# Several fields together, for the kernel: each one is compiled, which takes seconds.
COMBINATIONS = {
    "coupled_forget_gate": Lstm(peepholes=("i", "o"), forget_gate="coupled"),
    "no_activations": Lstm(
        peepholes=("f", "o"),
        input_gate="coupled",
        cell_activation="identity",
        output_activation="identity",
        gate_recurrence=True,
    ),
    "input_gate_alone": Lstm(
        peepholes=("i",),
        forget_gate="none",
        output_gate="none",
        cell_activation="identity",
        gate_recurrence=True,
    ),
}
COMPILED = PRESETS | COMBINATIONS
# Compiling takes seconds: variants of the LSTM whose parts the cells above combine, and cells that
# consist of the same operations as those that remain.
SLOW = {"cifg", "fgr", "janet", "lstm_peephole", "nfg", "niaf", "noaf", "nog"}
SLOW |= {"atr", "brc", "cfn", "cornn", "lru", "nbrc", "on_lstm", "ran", "rg_lru", "star", "ugrnn"}
SLOW |= {"nig", "mgu", "mingru", "coupled_forget_gate", "input_gate_alone"}
STACKS = {"two": (2, False), "bidirectional": (1, True)}
GRADCHECKED = {
    f"{name}-bidirectional": (cell, "bidirectional") for name, cell in (PRESETS | FIELDS).items()
}
# Stacking layers is the same for all cells, so two are enough.
GRADCHECKED |= {f"{name}-two": (PRESETS[name], "two") for name in ("lstm", "gru_reset_before")}
RAGGED = (4, 1, 0, 3, 4, 2, 4, 1)  # more rows than a register tile has
B, T, D, H = len(RAGGED), 4, 3, 9  # more units than a register has
TIGHT = {"rtol": 1e-10, "atol": 1e-11}


def build(cell, stack, engine, sizes=(D, H)):
    """Return a float64 layer with weights that are neither small nor initial values."""
    layers, bidirectional = STACKS[stack]
    layer = Recurrent(cell, *sizes, layers, bidirectional, engine=engine).double()
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.9, 0.9, generator=draw)
    return layer


def random_states(cell, stack, batch, hidden):
    """Return random initial states; a normaliser is positive."""
    layers, bidirectional = STACKS[stack]
    shape = (layers * (1 + bidirectional), batch, hidden)
    draw = torch.Generator().manual_seed(2)
    states = [torch.randn(shape, generator=draw, dtype=torch.float64) for _ in cell.states]
    return [
        s.abs() + 0.5 if name == "n" else s for name, s in zip(cell.states, states, strict=True)
    ]


def as_state(states):
    """Return states in the form that a layer takes."""
    return None if not states else tuple(states) if len(states) > 1 else states[0]


def parts(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("name", GRADCHECKED)
def test_reference_passes_gradcheck(name):
    """For outputs and final states; with lengths and an initial state, or without both."""
    cell, stack = GRADCHECKED[name]
    layer = build(cell, stack, "reference", sizes=(2, 2))
    names = [name for name, _ in layer.named_parameters()]
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(3, 3, 2, generator=draw, dtype=torch.float64)
    for lengths, given in ((None, False), (torch.tensor([3, 1, 0]), True)):
        states = random_states(cell, stack, 3, 2) if given else []
        count = len(states)

        def run(x, *rest, lengths=lengths, count=count):
            named = dict(zip(names, rest[count:], strict=True))
            y, end = functional_call(layer, named, (x, lengths, as_state(rest[:count])))
            # The initial state of an empty sequence may be infinite, without finite differences.
            return y, *(part.masked_fill(part.isinf(), 0.0) for part in parts(end))

        values = [v.detach().clone().requires_grad_() for v in (x, *states, *layer.parameters())]
        assert torch.autograd.gradcheck(run, values, fast_mode=True)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in COMPILED
    ],
)
def spec(request):
    """Cells one after the other, so that each kernel is compiled once."""
    return COMPILED[request.param]


@pytest.mark.parametrize("stack", STACKS)
def test_kernel_equals_reference(spec, stack):
    draw = torch.Generator().manual_seed(4)
    x = torch.randn(B, T, D, generator=draw, dtype=torch.float64, requires_grad=True)
    for lengths, given in itertools.product((None, torch.tensor(RAGGED)), (False, True)):
        states = random_states(spec, stack, B, H) if given else []
        for state in states:
            state.requires_grad_()
        found = []
        for engine in ("cpu", "reference"):
            layer = build(spec, stack, engine)
            y, end = layer(x, lengths, as_state(states))
            result_groups = ((y,), parts(end), parts(end)[-1:], (y, *parts(end)))
            inputs = (x, *states, *layer.parameters())
            grads = []
            for results in result_groups:
                draw_weights = torch.Generator().manual_seed(5)
                weights = [
                    torch.randn(r.shape, generator=draw_weights, dtype=torch.float64)
                    for r in results
                ]
                grads += torch.autograd.grad(
                    results, inputs, weights, retain_graph=True, materialize_grads=True
                )
            found.append([y.detach(), *(part.detach() for part in parts(end)), *grads])
        torch.testing.assert_close(*found, **TIGHT)


def test_only_trainable_parameters_get_a_gradient(spec):
    """Frozen parameters do not change the gradients of the others."""
    x = torch.randn(B, T, D, dtype=torch.float64)
    lengths = torch.tensor(RAGGED)
    layer = build(spec, "bidirectional", "cpu")
    layer(x, lengths)[0].square().sum().backward()
    expected = {name: p.grad for name, p in layer.named_parameters()}
    for trainable in expected:
        layer.zero_grad()
        for name, parameter in layer.named_parameters():
            parameter.requires_grad_(name == trainable)
        layer(x, lengths)[0].square().sum().backward()
        for name, parameter in layer.named_parameters():
            if name == trainable:
                assert torch.equal(parameter.grad, expected[name])
            else:
                assert parameter.grad is None
    alone = x.clone().requires_grad_()
    layer.requires_grad_(False)
    layer(alone, lengths)[0].square().sum().backward()
    assert alone.grad[0].all()
    assert not alone.grad[2].any()


def test_kernel_ignores_padding_bitwise(spec):
    """NaN and infinity after the end, or more such steps: results are bitwise equal."""
    layer = Recurrent(spec, D, H, 2, True, engine="cpu", residual=True, layer_norm=True).double()
    lengths = torch.tensor([min(length, T - 1) for length in RAGGED])
    inside = torch.arange(T) < lengths[:, None]
    state = torch.cat([torch.stack(random_states(spec, "two", B, H))] * 2, dim=1)
    clean = torch.randn(B, T, D, dtype=torch.float64) * inside[..., None]
    dirty = clean.masked_fill(~inside[..., None], float("nan"))
    endless = torch.full((B, 9, D), float("inf"), dtype=torch.float64)
    found = []
    for x in (clean, dirty, torch.cat([dirty, endless], dim=1)):
        x.requires_grad_()
        layer.zero_grad()
        y, end = layer(x, lengths, as_state(list(state)))
        (y.square().sum() + sum(part.pow(3).sum() for part in parts(end))).backward()
        assert not y[:, T:].any()
        assert not x.grad[:, :T][~inside].any()
        grads = [p.grad for p in layer.parameters()]
        found.append([y[:, :T], *parts(end), x.grad[:, :T], *grads])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_nan_stays_in_its_sequence(spec):
    """NaN spreads as in the reference, and into no other sequence."""
    x = torch.randn(B, T, D, dtype=torch.float64)
    lengths = torch.tensor(RAGGED)
    with_nan = x.clone()
    with_nan[4, 1] = float("nan")
    others = [row for row in range(B) if row != 4]
    found = []
    for engine in ("cpu", "reference"):
        layer = build(spec, "bidirectional", engine)
        expected, ends = layer(x, lengths)
        given = with_nan.clone().requires_grad_()
        y, spoilt_ends = layer(given, lengths)
        assert torch.equal(y[others], expected[others])
        for end, spoilt_end in zip(parts(ends), parts(spoilt_ends), strict=True):
            assert torch.equal(spoilt_end[:, others], end[:, others])
        assert torch.equal(
            y[4, 0, :H], expected[4, 0, :H]
        )  # in the forward direction NaN comes later
        y.sum().backward()
        assert given.grad[others].isfinite().all()
        found.append(y.detach())
    torch.testing.assert_close(*found, equal_nan=True, **TIGHT)
