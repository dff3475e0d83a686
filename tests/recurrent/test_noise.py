"""Noise in the recurrence: masks, agreement of engines, and evaluation without noise."""

import copy
import pickle

import pytest
import torch
from shared.cells import PRESETS
from torch import nn

from seqtag.cells import Cell
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.dropout import dropout
from seqtag.recurrent.engines.base import LayerCall
from seqtag.recurrent.engines.reference import Reference
from seqtag.recurrent.engines.registry import choose_engine
from seqtag.recurrent.noise import Noise, ZoneoutCell, draw_noise
from seqtag.recurrent.padding import Padding

D, H = 3, 5
LENGTHS = [None, torch.tensor([3, 7, 0, 1, 7])]
WITH_R = [n for n, cell in PRESETS.items() if cell.products]
NOISES = [{"recurrent_dropout": 0.4}, {"zoneout": 0.3}, {"recurrent_dropout": 0.3, "zoneout": 0.2}]


class Sum(Cell):
    """h = W x + R h'."""

    gates = ("a",)
    states = ("h",)

    def step(self, wx, rh, state, unit):
        return {"h": wx["a"] + rh["a"]}


def layer_of(cell, **options):
    layer = Recurrent(cell, D, H, **options).double()
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -0.7, 0.7)
    return layer


def identity_layer(**options):
    """Return a layer that computes h = x + h', with noise."""
    layer = Recurrent(Sum(), H, H, bias=False, engine="loop", **options)
    for weight in layer.parameters():
        nn.init.eye_(weight)
    return layer


# Each kernel takes seconds to compile.
KERNELS = {
    "lstm": NOISES[2:],
    "gru_reset_before": NOISES[2:],
    "slstm": NOISES[:1],
    "fgr": NOISES[:1],
}
CASES = [
    ("loop", name, options)
    for name in ("lstm", "lstm_peephole", "fgr", "gru", "rnn", "janet")
    for options in NOISES
]
CASES += [
    pytest.param("cpu", name, options, marks=() if name == "gru_reset_before" else pytest.mark.slow)
    for name, kinds in KERNELS.items()
    for options in kinds
]


@pytest.mark.parametrize(("engine", "name", "options"), CASES)
@pytest.mark.parametrize("lengths", LENGTHS)
def test_engines_equal_the_reference_under_the_same_masks(engine, name, options, lengths, outcome):
    layer = layer_of(name, num_layers=2, bidirectional=True, **options)
    expected, got = (outcome(layer, chosen, lengths) for chosen in ("reference", engine))
    torch.testing.assert_close(got, expected)
    assert not torch.equal(expected[0], outcome(layer.eval(), "reference", lengths)[0])


def test_auto_chooses_the_kernel_for_noise_and_evaluation_has_none():
    noise = draw_noise(PRESETS["lstm"], torch.zeros(2, 3, D), H, 1, 0.5, 0.0)
    x = torch.zeros(2, 3, D)
    assert choose_engine("auto", PRESETS["lstm"], x, False, noise).name == "cpu"
    with pytest.raises(InputError, match=r"not torch: .* no noise in the recurrence"):
        Recurrent("lstm", D, H, recurrent_dropout=0.1, engine="torch")(x)
    with pytest.raises(InputError, match="not scan: it has no noise"):
        Recurrent("mingru", D, H, zoneout=0.1, engine="scan")(x)
    for options in ({"recurrent_dropout": 0.5}, {"weight_drop": 0.5}):
        layer = Recurrent("lstm", D, H, **options).eval()
        plain = Recurrent("lstm", D, H)
        plain.load_state_dict(layer.state_dict())
        assert torch.equal(layer(x + 1)[0], plain(x + 1)[0])


def test_recurrent_dropout_has_one_mask_per_sequence():
    layer = identity_layer(recurrent_dropout=0.5)
    x = torch.zeros(400, 6, H)
    x[:, 0] = 1.0
    y, _ = layer(x)
    # A unit is dropped at once, or doubled at every step.
    assert set(y[:, 1].unique().tolist()) == {0.0, 2.0}
    assert torch.equal(y[:, 5], y[:, 1] * 16)
    assert 0.45 < (y[:, 1] == 0).float().mean() < 0.55
    assert torch.equal(layer.eval()(x)[0], torch.ones(400, 6, H))


def test_recurrent_dropout_masks_differ_by_direction_and_state():
    noise = draw_noise(PRESETS["fgr"], torch.zeros(9, 2, D), 64, 2, 0.5, 0.0)
    masks = [mask for masks_of_direction in noise.recurrent for mask in masks_of_direction.values()]
    assert [set(masks_of_direction) for masks_of_direction in noise.recurrent] == [
        {"h", "i", "f", "o"}
    ] * 2
    assert all(mask.shape == (9, 64) for mask in masks)
    assert not any(torch.equal(a, b) for i, a in enumerate(masks) for b in masks[:i])


def test_inner_product_sees_the_dropped_state():
    """gru_reset_before: with a mask of 0 no R sees the state."""
    layer = layer_of("gru_reset_before")
    x = torch.randn(2, 4, D, dtype=torch.float64)
    weights = [layer.layers[0]["fwd"].weights()]
    start = [{"h": torch.zeros(2, H, dtype=torch.float64)}]
    noise = Noise([{"h": torch.zeros(2, H, dtype=torch.float64)}])
    padding = Padding.of(x, None)

    def run(weights, noise):
        call = LayerCall(layer.cell, x, weights, start, padding, noise=noise)
        return Reference().run(call).y_BTH

    y = run(weights, noise)
    zeroed = [w._replace(recurrent=(w.recurrent[0] * 0,), inner_GH=w.inner_GH * 0) for w in weights]
    torch.testing.assert_close(y, run(zeroed, None))


def test_weight_drop_drops_elements_of_r_with_one_mask_per_call(cell, engine):
    layer = Recurrent(cell, D, H, weight_drop=0.5, engine=engine).double()
    x = torch.randn(3, 6, D, dtype=torch.float64)
    torch.manual_seed(3)
    y, _ = layer(x)
    torch.manual_seed(3)
    direction = layer.layers[0]["fwd"]
    dropped = dropout(direction.weight_recurrent.detach(), 0.5, training=True)
    assert 0.3 < (dropped == 0).double().mean() < 0.7
    plain = Recurrent(cell, D, H, engine=engine).double()
    plain.load_state_dict({**layer.state_dict(), "layers.0.fwd.weight_recurrent": dropped})
    torch.testing.assert_close(y, plain(x)[0])
    y.sum().backward()
    assert direction.weight_recurrent.grad.any()
    assert not direction.weight_recurrent.grad[dropped == 0].any()
    assert torch.equal(layer.eval()(x)[0], layer(x)[0])


def test_zoneout_keeps_previous_values_and_moves_by_its_expectation():
    layer = identity_layer(zoneout=0.25)
    x = torch.ones(300, 8, H)
    y, _ = layer(x)
    steps = y.diff(dim=1, prepend=torch.zeros(300, 1, H))
    assert set(steps.unique().tolist()) == {0.0, 1.0}
    assert 0.23 < (steps == 0).float().mean() < 0.27
    expected = layer.eval()(x)[0]
    torch.testing.assert_close(expected[0, :, 0], 0.75 * torch.arange(1.0, 9.0))
    torch.testing.assert_close(y.mean((0, 2)), expected[0, :, 0], atol=0.2, rtol=0.02)


@pytest.mark.parametrize("name", ["lstm", "gru", "mingru", "indrnn"])
def test_zoneout_in_evaluation_runs_on_every_engine(name, outcome):
    layer = layer_of(name, bidirectional=True, zoneout=0.3).eval()
    engines = ["reference", "loop", *{"gru": ["cpu"], "mingru": ["scan"]}.get(name, [])]
    expected, *others = (outcome(layer, engine, LENGTHS[1]) for engine in engines)
    for got in others:
        torch.testing.assert_close(got, expected)


def test_zoneout_computes_new_states_from_those_before_zoneout():
    """As in Krueger et al.: h = o tanh(new c), whether c is kept or not."""
    cell = PRESETS["lstm"]
    wx = {k: torch.randn(H) for k in cell.gates}
    zero = dict.fromkeys(cell.gates, torch.zeros(H))
    state = {s: torch.randn(H) for s in cell.states}
    plain = cell.step(wx, zero, state, {})
    held = {"zoneout_h": torch.zeros(H), "zoneout_c": torch.ones(H)}
    got = ZoneoutCell(cell).step(wx, zero, state, held)
    assert torch.equal(got["h"], plain["h"])
    assert torch.equal(got["c"], state["c"])
    assert torch.equal(got["f"], plain["f"])


@pytest.mark.parametrize("engine", ["cpu", "loop", "reference"])
@pytest.mark.parametrize("options", [NOISES[2], {"weight_drop": 0.3}])
def test_padding_changes_nothing_bitwise(engine, options):
    layer = Recurrent("lstm", D, H, 2, True, engine=engine, **options)
    lengths = torch.tensor([3, 7, 0, 1, 6])
    inside = (torch.arange(7) < lengths[:, None])[..., None]
    clean = torch.randn(5, 7, D) * inside
    dirty = clean.masked_fill(~inside, float("nan"))
    longer = torch.cat([dirty, torch.full((5, 4, D), float("inf"))], dim=1)
    results = []
    for x in (clean, dirty, longer):
        torch.manual_seed(4)
        layer.zero_grad()
        y, (h, c) = layer(x, lengths)
        (y.square().sum() + h.sum() + c.sum()).backward()
        results.append([y[:, :7], h, c, *(p.grad for p in layer.parameters())])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0, 0)])
@pytest.mark.parametrize("options", [*NOISES, {"weight_drop": 0.3}])
def test_empty_batches_and_sequences(shape, options):
    layer = Recurrent("lstm", D, H, 2, True, **options)
    for lengths in (None, torch.zeros(shape[0], dtype=torch.int64)):
        y, (h, c) = layer(torch.randn(*shape, D), lengths)
        assert y.shape == (*shape, 2 * H)
        assert h.shape == c.shape == (4, shape[0], H)
        y.sum().backward()


@pytest.mark.parametrize("engine", ["reference", pytest.param("cpu", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WITH_R)
def test_every_cell_with_an_r_supports_recurrent_noise(name, engine):
    """On the kernel too, which `auto` chooses: compiling all of them takes two minutes."""
    noise = {"recurrent_dropout": 0.2, "weight_drop": 0.2}
    x = torch.randn(2, 3, D)
    if engine == "cpu":  # choosing it compiles it
        drawn = draw_noise(PRESETS[name], x, H, 1, 0.2, 0.0)
        assert choose_engine("auto", PRESETS[name], x, False, drawn).name == "cpu"
    layer = Recurrent(name, D, H, **noise, engine=engine)
    layer(x)[0].sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize("name", ["gru_reset_before", "lstm_layernorm"])
@pytest.mark.slow
def test_cells_in_stages_support_zoneout(name):
    layer = Recurrent(name, D, H, zoneout=0.2)
    layer(torch.randn(2, 3, D))[0].sum().backward()
    layer.eval()(torch.randn(2, 3, D))[0].sum().backward()


def test_noise_survives_copies_saving_and_traces():
    layer = Recurrent("lstm", D, H, recurrent_dropout=0.2, weight_drop=0.3, zoneout=0.4)
    text = repr(layer)
    assert "recurrent_dropout=0.2, weight_drop=0.3, zoneout=0.4" in text
    x = torch.randn(2, 6, D)
    results = []
    for other in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.manual_seed(5)
        results.append(other(x)[0])
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    plain = Recurrent("lstm", D, H)
    plain.load_state_dict(layer.state_dict())
    y, _, trace = layer(x, trace=True)
    assert torch.equal(trace["l0.fwd"]["h"], y)


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("indrnn", {"recurrent_dropout": 0.1}, "recurrent_dropout needs .* R, and IndRnn.* has no"),
        ("mingru", {"weight_drop": 0.1}, "weight_drop needs a recurrent weight R"),
        ("slstm", {"zoneout": 0.1}, "zoneout mixes .* but m of SLstm.* starts at -inf"),
        ("lstm", {"zoneout": 1.0}, "zoneout must be a number of at least 0 and below 1"),
        ("lstm", {"weight_drop": -0.1}, "weight_drop must be"),
        ("lstm", {"recurrent_dropout": True}, "recurrent_dropout must be"),
    ],
)
def test_noise_that_cannot_be_applied_is_refused(cell, options, message):
    with pytest.raises(InputError, match=message):
        Recurrent(cell, D, H, **options)


@pytest.mark.parametrize("option", ["recurrent_dropout", "weight_drop", "zoneout"])
def test_torch_modules_have_no_such_noise(option):
    with pytest.raises(InputError, match=f"no {option}"):
        Recurrent("lstm", D, H, **{option: 0.1}).to_torch()
