"""Initial values of parameters, and their number."""

import pytest
import torch
from shared.cells import PRESETS

from seqtag.cells import build_cell
from seqtag.errors import InputError

H, D = 20_000, 3


def initial_biases(cell, units=H):
    torch.manual_seed(0)
    biases = {k: torch.zeros(units) for k in cell.gates}
    cell.start_biases(biases)
    return biases


def initial_vectors(cell, units=H):
    torch.manual_seed(0)
    cell = build_cell(cell)
    unit = {v.name: torch.full((units,), v.start) for v in cell.vectors}
    cell.start_units(unit)
    return unit


def assert_uniform(values_H):
    """Check that values are uniform on (0, 1): their distribution is off by less than 0.02."""
    expected = torch.linspace(0, 1, len(values_H), dtype=values_H.dtype)
    assert (values_H.sort().values - expected).abs().max() < 0.02


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((n, {"f": 1.0}) for n in ("lstm", "lstm_peephole", "cifg", "nig", "nog", "fgr")),
        *((n, {"f": 1.0}) for n in ("janet", "minlstm", "slstm", "ran", "multiplicative_lstm")),
        ("on_lstm", {"f": 1.0}),
        ("ugrnn", {"g": 1.0}),
        ("cfn", {"f": 1.0, "i": -1.0}),
        *((n, {}) for n in ("nfg", "gru", "gru_reset_before", "rnn", "indrnn", "mingru")),
        *((n, {}) for n in ("atr", "brc", "nbrc", "star", "sru", "cornn", "mgu", "lem")),
        *((n, {}) for n in ("rg_lru", "lru")),
        ({"name": "sru", "highway_bias": -3.0}, {"r": -3.0}),
        ({"name": "lstm", "forget_bias": -2}, {"f": -2.0}),
        ({"name": "lstm", "forget_gate": "coupled", "forget_bias": 3.0}, {"i": -3.0}),
    ],
    ids=str,
)
def test_forget_bias(name, expected):
    for gate, bias_H in initial_biases(build_cell(name), 2).items():
        assert bias_H.tolist() == [expected.get(gate, 0.0)] * 2, gate


def test_initial_vectors():
    starts = initial_vectors("lstm_layernorm", 1)
    assert {name for name, start_1 in starts.items() if start_1.item() == 1} == {
        *(f"gain_{part}_{k}" for part in ("input", "recurrent") for k in "ifzo"),
        *("gain_cell", "bias_f"),
    }
    assert {start_1.item() for start_1 in starts.values()} == {0.0, 1.0}
    assert all(not unit_H.any() for unit_H in initial_vectors("lstm_peephole").values())


def test_indrnn_weights_are_uniform():
    u_H = initial_vectors("indrnn")["recurrent_weight"]
    assert u_H.min() >= 0
    assert u_H.max() <= 1
    assert_uniform(u_H)


def test_layer_norm_with_chrono():
    unit = initial_vectors({"name": "lstm_layernorm", "chrono": 101})
    assert_uniform((unit["bias_f"].double().exp() - 1) / 99)
    assert torch.equal(unit["bias_i"], -unit["bias_f"])


def test_layer_norm_without_bias():
    cell = build_cell({"name": "lstm_layernorm", "chrono": 101})
    cell.start_units({})


@pytest.mark.parametrize(
    ("cell", "keep_gate", "opposite_gate"),
    [
        ({"name": "lstm"}, "f", "i"),
        ({"name": "lstm_peephole"}, "f", "i"),
        ({"name": "cifg"}, "f", None),
        ({"name": "nig"}, "f", None),
        ({"name": "janet"}, "f", None),
        ({"name": "gru"}, "z", None),
        ({"name": "gru_reset_before"}, "z", None),
        ({"name": "minlstm"}, "f", "i"),
        ({"name": "slstm"}, "f", None),
        ({"name": "ugrnn"}, "g", None),
        ({"name": "brc"}, "z", None),
        ({"name": "nbrc"}, "z", None),
        ({"name": "sru"}, "f", None),
        ({"name": "ran"}, "f", "i"),
        ({"name": "cfn"}, "f", "i"),
        ({"name": "multiplicative_lstm"}, "f", "i"),
        ({"name": "on_lstm"}, "f", "i"),
    ],
    ids=str,
)
def test_chrono(cell, keep_gate, opposite_gate):
    biases = initial_biases(build_cell({**cell, "chrono": 101}))
    spans = biases[keep_gate].double().exp()
    assert spans.min() >= 1 - 1e-5
    assert spans.max() <= 100 + 1e-3
    assert_uniform((spans - 1) / 99)
    for gate, bias_H in biases.items():
        if gate == opposite_gate:
            assert torch.equal(bias_H, -biases[keep_gate])
        elif gate != keep_gate:
            assert not bias_H.any()


def test_chrono_where_the_forget_gate_is_coupled():
    biases = initial_biases(build_cell({"name": "lstm", "forget_gate": "coupled", "chrono": 50}))
    spans = (-biases["i"]).exp()
    assert 1 - 1e-5 <= spans.min() < 1.1
    assert 48.9 < spans.max() <= 49 + 1e-3


@pytest.mark.parametrize(("name", "gate"), [("mingru", "z"), ("star", "k"), ("mgu", "f")])
def test_chrono_where_the_gate_is_the_share_of_new_content(name, gate):
    assert_uniform(
        ((-initial_biases(build_cell({"name": name, "chrono": 101}))[gate]).exp() - 1) / 99
    )


def test_initial_weights_of_the_memory_in_sru():
    for v_H in initial_vectors("sru").values():
        assert v_H.mean().abs() < 0.02
        assert v_H.var().item() == pytest.approx(0.5, abs=0.02)


def test_decays_are_drawn_from_a_ring():
    """The area of a ring up to a radius is proportional to the squared radius."""
    decay = initial_vectors("rg_lru")["retention"].double().sigmoid()
    assert_uniform((decay**2 - 0.9**2) / (0.999**2 - 0.9**2))
    unit = initial_vectors({"name": "lru", "min_radius": 0.5, "max_phase": 1.5})
    size = torch.exp(-unit["log_decay"].double().exp())
    assert_uniform((size**2 - 0.25) / 0.75)
    assert_uniform(unit["log_phase"].double().exp() / 1.5)
    scale = unit["log_scale"].double().exp()
    torch.testing.assert_close(scale**2, 1 - size**2, rtol=1e-3, atol=0)
    assert all(vector.isfinite().all() for vector in initial_vectors("lru").values())


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"name": "rg_lru", "min_radius": 0.999}, "min_radius must be smaller than max_radius"),
        ({"name": "lru", "max_radius": 1.5}, "max_radius must be .* not 1.5"),
        ({"name": "lru", "min_radius": -0.5}, "min_radius must be .* not -0.5"),
        ({"name": "lru", "max_phase": 0}, "max_phase must be .* not 0"),
    ],
)
def test_rings_that_are_refused(cell, message):
    with pytest.raises(InputError, match=message):
        build_cell(cell)


@pytest.mark.parametrize("name", ["minlstm", "mingru", "slstm", "lstm_layernorm"])
def test_chrono_spreads_over_the_spans_of_forgetting(name):
    """Without input a unit keeps t / (1 + t) of its state, t uniform on (1, 100)."""
    cell = build_cell({"name": name, "chrono": 101})
    biases, unit = initial_biases(cell), initial_vectors(cell)
    wx = {k: b_H[None].double() for k, b_H in biases.items()}
    if name == "lstm_layernorm":  # layer norm of equal values is 0
        wx = {k: torch.zeros(1, H, dtype=torch.float64) for k in cell.gates}
    zero = torch.zeros(1, H, dtype=torch.float64)
    state = dict.fromkeys(cell.states, zero)
    values = cell.step(wx, dict.fromkeys(cell.gates, zero), state, unit)
    kept_H = (1 - values["z"] if name == "mingru" else values["f"])[0]
    assert_uniform((kept_H / (1 - kept_H) - 1) / 99)


def test_chrono_of_the_shortest_span():
    assert initial_biases(build_cell({"name": "gru", "chrono": 3}))["z"].min() >= 0


def count_parameters(cell, hidden):
    rows = len(cell.gates) * (D + cell.has_gate_bias) + len(cell.vectors)
    squares = sum(len(p.gates) for p in cell.products) + len(cell.inner_gates)
    return rows * hidden + squares * hidden**2


@pytest.mark.parametrize(
    ("name", "gates", "squares", "vectors"),
    [
        ("lstm", 4, 4, 0),
        ("lstm_peephole", 4, 4, 3),
        *((name, 3, 3, 0) for name in ("cifg", "nig", "nfg", "nog")),
        *((name, 4, 4, 0) for name in ("niaf", "noaf", "slstm")),
        ("fgr", 4, 4 + 9, 0),
        ("janet", 2, 2, 0),
        # Its 4 biases are vectors, in addition to 8 gains and to gain and bias of the memory.
        ("lstm_layernorm", 4, 4, 8 + 2),
        ("gru", 3, 3, 1),
        ("gru_reset_before", 3, 3, 0),
        *((name, 1, 1, 0) for name in ("rnn", "rnn_relu")),
        ("indrnn", 1, 0, 1),
        ("minlstm", 3, 0, 0),
        ("mingru", 2, 0, 0),
    ],
)
def test_number_of_parameters(name, gates, squares, vectors):
    hidden = 7
    expected = gates * hidden * (D + 1) + squares * hidden**2 + vectors * hidden
    assert count_parameters(PRESETS[name], hidden) == expected


def test_a_gate_that_is_off_has_no_rows():
    only_z = build_cell({"name": "lstm", **dict.fromkeys(("input_gate", "forget_gate"), "none")})
    assert only_z.gates == ("z", "o")
    assert all("i" not in p.gates and "f" not in p.gates for p in only_z.products)


def test_slstm_starts_at_minus_infinity():
    assert PRESETS["slstm"].initial_states == {"m": float("-inf")}
    assert all(not cell.initial_states for name, cell in PRESETS.items() if name != "slstm")
