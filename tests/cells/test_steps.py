"""Each step against the equations of its paper, written out in numpy, and against torch's cells."""

from functools import partial

import numpy as np
import pytest
import torch
from shared.cells import PRESETS
from torch import nn

from seqtag.cells import Gru, Lstm, Rnn, build_cell


def sg(v):
    return 1 / (1 + np.exp(-v))


def ln(v):
    return (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + 1e-5)


def lstm(w, x, s, peepholes="", g=np.tanh, n=np.tanh, inputs=None, forget=None, output=None):
    def see(k, c):
        return w.unit[f"peephole_{k}"] * c if k in peepholes else 0

    def gate(k, c):
        gates = sum(s[j] @ w.R[j][k].T for j in "ifo" if j in w.R)
        return sg(w.W[k] @ x + w.R["h"][k] @ s["h"] + w.b[k] + see(k, c) + gates)

    f = forget if forget is not None else gate("f", s["c"])
    i = 1 - f if inputs == "coupled" else inputs if inputs is not None else gate("i", s["c"])
    c = f * s["c"] + i * g(w.W["z"] @ x + w.R["h"]["z"] @ s["h"] + w.b["z"])
    o = output if output is not None else gate("o", c)
    return {"h": o * n(c), "c": c, "i": i, "f": f, "o": o}


def janet(w, x, s):
    a = {k: w.W[k] @ x + w.R["h"][k] @ s["h"] + w.b[k] for k in "fz"}
    return {"h": sg(a["f"]) * s["h"] + (1 - sg(a["f"] - 1)) * np.tanh(a["z"])}


def lstm_layernorm(w, x, s):
    def joint(prefix):
        return np.concatenate([w.unit[f"{prefix}_{k}"] for k in "ifzo"])

    wx = np.concatenate([w.W[k] @ x for k in "ifzo"])
    rh = np.concatenate([w.R["h"][k] @ s["h"] for k in "ifzo"])
    a = joint("gain_recurrent") * ln(rh) + joint("gain_input") * ln(wx) + joint("bias")
    i, f, z, o = np.split(a, 4)
    c = sg(f) * s["c"] + sg(i) * np.tanh(z)
    return {"h": sg(o) * np.tanh(w.unit["gain_cell"] * ln(c) + w.unit["bias_cell"]), "c": c}


def gru(w, x, s, reset_before=False):
    h = s["h"]
    r, z = (sg(w.W[k] @ x + w.R["h"][k] @ h + w.b[k]) for k in "rz")
    if reset_before:
        seen = w.inner["n"] @ (r * h)
    else:
        seen = r * (w.R["h"]["n"] @ h + w.unit["bias_recurrent"])
    n = np.tanh(w.W["n"] @ x + w.b["n"] + seen)
    return {"h": (1 - z) * n + z * h, "r": r, "z": z, "n": n}


def rnn(w, x, s, g=np.tanh):
    return {"h": g(w.W["a"] @ x + w.R["h"]["a"] @ s["h"] + w.b["a"])}


def indrnn(w, x, s):
    return {"h": relu(w.W["a"] @ x + w.unit["recurrent_weight"] * s["h"] + w.b["a"])}


def relu(v):
    return np.where(v > 0, v, 0)


def minlstm(w, x, s):
    f, i = (sg(w.W[k] @ x + w.b[k]) for k in "fi")
    return {"h": f / (f + i) * s["h"] + i / (f + i) * (w.W["z"] @ x + w.b["z"])}


def mingru(w, x, s):
    z = sg(w.W["z"] @ x + w.b["z"])
    return {"h": (1 - z) * s["h"] + z * (w.W["n"] @ x + w.b["n"]), "z": z}


def slstm(w, x, s):
    """Without the stabiliser, which only scales c and n."""
    a = {k: w.W[k] @ x + w.R["h"][k] @ s["h"] + w.b[k] for k in "ifzo"}
    scale = np.exp(s["m"])
    c = sg(a["f"]) * s["c"] * scale + np.exp(a["i"]) * np.tanh(a["z"])
    n = sg(a["f"]) * s["n"] * scale + np.exp(a["i"])
    return {"h": sg(a["o"]) * c / n}


def minlstm_signed(w, x, s):
    f, i = (sg(w.W[k] @ x + w.b[k]) for k in "fi")
    return {"h": (2 * f - 1) * s["h"] + i * (w.W["z"] @ x + w.b["z"])}


def mingru_signed(w, x, s):
    z = sg(w.W["z"] @ x + w.b["z"])
    return {"h": (1 - 2 * z) * s["h"] + z * (w.W["n"] @ x + w.b["n"])}


def affine(w, x, gates):
    return {k: w.W[k] @ x + w.b[k] for k in gates}


def ugrnn(w, x, s):
    a = affine(w, x, "gz")
    g = sg(a["g"] + w.R["h"]["g"] @ s["h"])
    return {"h": g * s["h"] + (1 - g) * np.tanh(a["z"] + w.R["h"]["z"] @ s["h"])}


def atr(w, x, s):
    p = w.W["p"] @ x + w.b["p"]
    q = w.R["h"]["p"] @ s["h"] + w.unit["bias_recurrent"]
    return {"h": sg(p + q) * p + sg(p - q) * s["h"], "i": sg(p + q), "f": sg(p - q)}


def brc(w, x, s):
    a, h = affine(w, x, "rzn"), s["h"]
    see = {k: w.R["h"][k] @ h if w.R else w.unit[f"feedback_weight_{k}"] * h for k in "rz"}
    r, z = 1 + np.tanh(a["r"] + see["r"]), sg(a["z"] + see["z"])
    return {"h": z * h + (1 - z) * np.tanh(a["n"] + r * h)}


def star(w, x, s):
    a = affine(w, x, "kz")
    k = sg(a["k"] + w.R["h"]["k"] @ s["h"])
    return {"h": np.tanh((1 - k) * s["h"] + k * np.tanh(a["z"]))}


def sru(w, x, s):
    a = affine(w, x, "frzs")
    f, r = (sg(a[k] + w.unit[f"memory_weight_{k}"] * s["c"]) for k in "fr")
    c = f * s["c"] + (1 - f) * a["z"]
    return {"c": c, "h": r * c + (1 - r) * np.sqrt(3) * a["s"]}


def ran(w, x, s):
    a = affine(w, x, "ifz")
    i, f = (sg(a[k] + w.R["h"][k] @ s["h"]) for k in "if")
    c = i * a["z"] + f * s["c"]
    return {"c": c, "h": np.tanh(c)}


def cfn(w, x, s):
    a = affine(w, x, "fiz")
    f, i = (sg(a[k] + w.R["h"][k] @ s["h"]) for k in "fi")
    return {"h": f * np.tanh(s["h"]) + i * np.tanh(a["z"])}


def cornn(w, x, s):
    a = w.W["a"] @ x + w.R["y"]["a"] @ s["y"] + w.R["v"]["a"] @ s["v"] + w.b["a"]
    v = s["v"] + 0.05 * (np.tanh(a) - 1.0 * s["y"] - 1.0 * s["v"])
    return {"y": s["y"] + 0.05 * v, "v": v}


def mgu(w, x, s):
    a, h = affine(w, x, "fn"), s["h"]
    f = sg(a["f"] + w.R["h"]["f"] @ h)
    return {"h": (1 - f) * h + f * np.tanh(a["n"] + w.inner["n"] @ (f * h))}


def lem(w, x, s):
    a = affine(w, x, "dezy")
    d, e = (sg(a[k] + w.R["y"][k] @ s["y"]) for k in "de")
    z = (1 - e) * s["z"] + e * np.tanh(a["z"] + w.R["y"]["z"] @ s["y"])
    return {"z": z, "y": (1 - d) * s["y"] + d * np.tanh(a["y"] + w.inner["y"] @ z)}


def multiplicative_lstm(w, x, s):
    a = affine(w, x, "mifzo")
    m = a["m"] * (w.R["h"]["m"] @ s["h"])
    i, f, o = (sg(a[k] + w.inner[k] @ m) for k in "ifo")
    c = f * s["c"] + i * np.tanh(a["z"] + w.inner["z"] @ m)
    return {"c": c, "h": o * np.tanh(c)}


def on_lstm(w, x, s):
    a = affine(w, x, "mnifzo")
    a = {k: v + w.R["h"][k] @ s["h"] for k, v in a.items()}
    m, n = (np.cumsum(np.exp(a[k])) / np.exp(a[k]).sum() for k in "mn")
    n, overlap = 1 - n, m * (1 - n)
    f = sg(a["f"]) * overlap + (m - overlap)
    i = sg(a["i"]) * overlap + (n - overlap)
    c = f * s["c"] + i * np.tanh(a["z"])
    return {"c": c, "h": sg(a["o"]) * np.tanh(c), "i": i, "f": f}


def rg_lru(w, x, s, signed=False):
    a = affine(w, x, "riz")
    decay = sg(w.unit["retention"]) ** (8 * sg(a["r"]))
    f = 2 * decay - 1 if signed else decay
    return {"h": f * s["h"] + np.sqrt(1 - f**2) * sg(a["i"]) * a["z"], "f": f}


def lru(w, x, s):
    a, unit = affine(w, x, "zw"), w.unit
    turn = np.exp(-np.exp(unit["log_decay"]) + 1j * np.exp(unit["log_phase"]))
    new = turn * (s["h"] + 1j * s["c"]) + np.exp(unit["log_scale"]) * (a["z"] + 1j * a["w"])
    return {"h": new.real, "c": new.imag}


EQUATIONS = {
    "lstm": lstm,
    "lstm_peephole": partial(lstm, peepholes="ifo"),
    "cifg": partial(lstm, inputs="coupled"),
    "nig": partial(lstm, inputs=1),
    "nfg": partial(lstm, forget=1),
    "nog": partial(lstm, output=1),
    "niaf": partial(lstm, g=lambda v: v),
    "noaf": partial(lstm, n=lambda v: v),
    "fgr": lstm,
    "janet": janet,
    "lstm_layernorm": lstm_layernorm,
    "gru": gru,
    "gru_reset_before": partial(gru, reset_before=True),
    "rnn": rnn,
    "rnn_relu": partial(rnn, g=relu),
    "indrnn": indrnn,
    "minlstm": minlstm,
    "mingru": mingru,
    "slstm": slstm,
    "ugrnn": ugrnn,
    "atr": atr,
    "brc": brc,
    "nbrc": brc,
    "star": star,
    "sru": sru,
    "ran": ran,
    "cfn": cfn,
    "cornn": cornn,
    "mgu": mgu,
    "lem": lem,
    "multiplicative_lstm": multiplicative_lstm,
    "on_lstm": on_lstm,
    "rg_lru": rg_lru,
    "lru": lru,
}


@pytest.mark.parametrize("name", PRESETS)
def test_step_equals_the_equations_of_its_paper(name, weights_of, zero_state, x_TBD):
    cell = PRESETS[name]
    weights, state = weights_of(cell), zero_state(cell)
    plain = weights.as_numpy()
    for x_BD in x_TBD:
        values = weights.step(cell, x_BD, state)
        for row, x_D in enumerate(x_BD.numpy()):
            before = {s: v[row].numpy() for s, v in state.items()}
            for key, value in EQUATIONS[name](plain, x_D, before).items():
                if key in values:
                    np.testing.assert_allclose(values[key][row], value, rtol=1e-10, atol=1e-13)
        assert set(cell.states) <= set(values)
        assert set(values) <= {*cell.gates, *cell.states, *"ifn"}
        assert all(v.shape == (len(x_BD), 5) for v in values.values())
        state = {s: values[s] for s in cell.states}


@pytest.mark.parametrize(
    ("cell", "oracle"),
    [
        (Lstm(), nn.LSTMCell),
        (Gru(), nn.GRUCell),
        (Rnn(), nn.RNNCell),
        (Rnn("relu"), partial(nn.RNNCell, nonlinearity="relu")),
    ],
    ids=str,
)
def test_step_equals_the_cell_of_torch(cell, oracle, weights_of, x_TBD):
    torch.manual_seed(0)
    weights, oracle = weights_of(cell), oracle(4, 5).double()
    state = {name: torch.randn(3, 5, dtype=torch.float64) for name in cell.states}
    with torch.no_grad():
        oracle.weight_ih.copy_(torch.cat([weights.W[k] for k in cell.gates]))
        oracle.weight_hh.copy_(torch.cat([weights.R["h"][k] for k in cell.gates]))
        oracle.bias_ih.copy_(torch.cat([weights.b[k] for k in cell.gates]))
        oracle.bias_hh.zero_()
        if "bias_recurrent" in weights.unit:
            oracle.bias_hh[-5:] = weights.unit["bias_recurrent"]
    values = weights.step(cell, x_TBD[0], state)
    expected = oracle(x_TBD[0], (state["h"], state["c"]) if "c" in state else state["h"])
    expected = expected if "c" in state else (expected,)
    for name, value in zip(cell.states, expected, strict=True):
        torch.testing.assert_close(values[name], value)


@pytest.mark.parametrize("name", PRESETS)
def test_absent_biases_can_be_the_number_0(name, weights_of, zero_state, x_TBD):
    cell = PRESETS[name]
    weights, state = weights_of(cell), zero_state(cell)
    absent = {vector.name for vector in cell.vectors if vector.is_bias}
    weights.b = dict.fromkeys(weights.b, 0.0)
    weights.unit = {k: 0.0 if k in absent else v for k, v in weights.unit.items()}
    values = weights.step(cell, x_TBD[0], state)
    weights.unit = {
        k: torch.zeros(5).double() if k in absent else v for k, v in weights.unit.items()
    }
    for key, value in weights.step(cell, x_TBD[0], state).items():
        torch.testing.assert_close(values[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("scale", [1e-30, 80.0])
def test_values_and_gradients_stay_finite(name, scale, weights_of, zero_state):
    """In float32, with every pre-activation near 0 or at ±80."""
    cell, signs = PRESETS[name], torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0])
    state = zero_state(cell, torch.float32)
    unit = {name: v.float() for name, v in weights_of(cell).unit.items()}
    leaves = []
    for t in range(6):
        wx = {}
        for index, k in enumerate(cell.gates):
            wx[k] = (scale * signs.roll(t * (index + 1))).repeat(3, 1).requires_grad_()
            leaves.append(wx[k])
        rh = {k: torch.zeros(3, 5) for p in cell.products for k in p.gates}
        rh |= dict.fromkeys(cell.inner_gates, lambda v: 0.1 * v)
        state = {s: v for s, v in cell.step(wx, rh, state, unit).items() if s in cell.states}
    assert all(v.isfinite().all() for v in state.values())
    sum(v.sum() for v in state.values()).backward()
    assert all(v.grad is None or v.grad.isfinite().all() for v in leaves)


def test_slstm_with_pre_activations_of_80_is_accurate_in_float32(zero_state):
    cell = PRESETS["slstm"]
    draw = torch.Generator().manual_seed(0)
    state, (c, n) = zero_state(cell, torch.float32), (0.0, 0.0)
    zeros = dict.fromkeys(cell.gates, torch.zeros(3, 5))
    for _ in range(50):
        wx = {k: 80.0 * torch.randint(-1, 2, (3, 5), generator=draw) for k in cell.gates}
        state = cell.step(wx, zeros, state, {})
        i, f, z, o = (wx[k].double() for k in "ifzo")
        # float64 can hold exp(80) itself.
        c = f.sigmoid() * c + i.exp() * z.tanh()
        n = f.sigmoid() * n + i.exp()
        torch.testing.assert_close(state["h"].double(), o.sigmoid() * c / n, rtol=1e-4, atol=1e-6)
        assert (state["n"] >= 1).all()


def test_minlstm_with_both_gates_closed(zero_state):
    cell = PRESETS["minlstm"]
    state = {"h": torch.ones(3, 5)}
    wx = {"f": torch.full((3, 5), -200.0), "i": torch.full((3, 5), -201.0), "z": torch.zeros(3, 5)}
    share = cell.step(wx, {}, state, {})["h"]
    torch.testing.assert_close(share, torch.full((3, 5), 1 / (1 + np.exp(-1.0))).float())


@pytest.mark.parametrize("name", ["minlstm", "mingru", "rg_lru"])
def test_signed_cells_equal_their_equations(name, weights_of, x_TBD):
    cell = build_cell({"name": name, "signed": True})
    weights = weights_of(cell)
    plain, state = weights.as_numpy(), {"h": torch.randn(3, 5, dtype=torch.float64)}
    signed = {"minlstm": minlstm_signed, "mingru": mingru_signed}
    equations = signed.get(name, partial(rg_lru, signed=True))
    values = weights.step(cell, x_TBD[0], state)
    for row, x_D in enumerate(x_TBD[0].numpy()):
        expected = equations(plain, x_D, {"h": state["h"][row].numpy()})["h"]
        np.testing.assert_allclose(values["h"][row], expected, rtol=1e-10)
    assert cell.kept(values).min() >= 0
    assert cell.kept(values).max() <= 1


def test_rg_lru_that_hardly_forgets_is_accurate_in_float32(zero_state):
    """1 - f f is not taken as a difference of numbers near 1, also where f is 1."""
    cell = PRESETS["rg_lru"]
    retention = torch.tensor([2.0, 6.0, 12.0, 20.0, 200.0])
    wx = {"r": torch.full((3, 5), -9.0), "i": torch.zeros(3, 5), "z": torch.ones(3, 5)}
    wx["r"].requires_grad_()
    h = cell.step(wx, {}, zero_state(cell, torch.float32), {"retention": retention})["h"]
    h.sum().backward()
    rate = 8 / (1 + np.exp(9.0)) * np.log1p(np.exp(-retention.double().numpy()))
    expected = 0.5 * np.sqrt(-np.expm1(-2 * rate))
    np.testing.assert_allclose(h[0].detach(), expected, rtol=2e-6, atol=2e-15)
    assert wx["r"].grad.isfinite().all()
