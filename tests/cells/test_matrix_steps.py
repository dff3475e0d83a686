"""Cells with a matrix state against the equations of their papers, written out in numpy."""

import math

import numpy as np
import pytest
import torch
from shared.cells import MATRIX

from seqtag.cells import build_cell
from seqtag.recurrent import Recurrent

T, D, H, A = 7, 3, 6, 2
E = H // A


def sg(v):
    return 1 / (1 + np.exp(-v))


def silu(v):
    return v * sg(v)


def softplus(v):
    return np.log1p(np.exp(v))


def unit(v):
    return v / math.sqrt((v * v).sum() + 1e-6)


def rms(v):
    return v / math.sqrt((v * v).mean() + 1e-5)


def mlstm(a, p):
    """Without the stabiliser, as the bound 1 in the paper's main text."""
    C, n = np.zeros((A, E, E)), np.zeros((A, E))
    for t in range(T):
        h = np.zeros((A, E))
        for j in range(A):
            q, k, v = a["q"][t, j], a["k"][t, j] / math.sqrt(E), a["v"][t, j]
            i, f = math.exp(a["i"][t, j]), sg(a["f"][t, j])
            C[j] = f * C[j] + i * np.outer(k, v)
            n[j] = f * n[j] + i * k
            read = C[j].T @ q / max(abs(n[j] @ q), 1)
            h[j] = (read - read.mean()) / math.sqrt(read.var() + 1e-5)
        yield sg(a["o"][t]).ravel() * p["gain"] * h.ravel()


def delta(a, p, most=1.0):
    S = np.zeros((A, E, E))
    for t in range(T):
        h = np.zeros((A, E))
        for j in range(A):
            q, k = unit(silu(a["q"][t, j])) / math.sqrt(E), unit(silu(a["k"][t, j]))
            if "f" in a:
                S[j] *= math.exp(-math.exp(p["rate"][j]) * softplus(a["f"][t, j]))
            b = most * sg(a["b"][t, j])
            S[j] = (np.eye(E) - b * np.outer(k, k)) @ S[j] + b * np.outer(k, silu(a["v"][t, j]))
            h[j] = rms(S[j].T @ q)
        yield silu(a["o"][t]).ravel() * p["gain"] * h.ravel()


def mamba2(a, p, signed=False):
    S = np.zeros((A, a["k"].shape[-1], E))
    for t in range(T):
        h = np.zeros((A, E))
        for j in range(A):
            d, v = softplus(a["d"][t, j]), silu(a["v"][t, j])
            f = math.exp(-d * math.exp(p["rate"][j]))
            S[j] = (2 * f - 1 if signed else f) * S[j] + d * np.outer(silu(a["k"][t, 0]), v)
            h[j] = S[j].T @ silu(a["q"][t, 0]) + p["skip"][j] * v
        yield p["gain"] * rms(h.ravel() * silu(a["o"][t]).ravel())


def rwkv7(a, p):
    S = np.zeros((A, E, E))  # values x keys, as published
    by_head = {name: p[name].reshape(A, E) for name in ("key_scale", "key_mix", "bonus", "gain")}
    for t in range(T):
        low = {"w": np.tanh(a["w"][t, 0]), "a": a["a"][t, 0], "g": sg(a["g"][t, 0])}
        up = {name: (p[f"up_{name}"] @ value).reshape(A, E) for name, value in low.items()}
        w = np.exp(-math.exp(-0.5) * sg(p["base_w"].reshape(A, E) + up["w"]))
        share = sg(p["base_a"].reshape(A, E) + up["a"])
        h = np.zeros((A, E))
        for j in range(A):
            r, k, v = a["r"][t, j], a["k"][t, j], a["v"][t, j]
            c = unit(k * by_head["key_scale"][j])
            k = k * (1 + (share[j] - 1) * by_head["key_mix"][j])
            S[j] = S[j] @ (np.diag(w[j]) - np.outer(c, share[j] * c)) + np.outer(v, k)
            y = S[j] @ r
            y = by_head["gain"][j] * (y - y.mean()) / math.sqrt(y.var() + 1e-5)
            h[j] = up["g"][j] * (y + (r * k * by_head["bonus"][j]).sum() * v)
        yield h.ravel()


CASES = {
    "mlstm": ({}, mlstm),
    "deltanet": ({}, delta),
    "deltanet-signed": ({"signed": True}, lambda a, p: delta(a, p, 2.0)),
    "gated_deltanet": ({}, delta),
    "mamba2": ({"state_size": 4}, mamba2),
    "mamba2-signed": ({"state_size": 4, "signed": True}, lambda a, p: mamba2(a, p, True)),
    "rwkv7": ({"rank": 2}, rwkv7),
}


def layer_of(name, **options):
    cell = {"name": name.partition("-")[0], "heads": A, **options}
    torch.manual_seed(1)
    layer = Recurrent(cell, D, H, engine="reference").double()
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, -1, 1)
    return layer


def test_every_cell_has_a_case():
    assert {name.partition("-")[0] for name in CASES} == set(MATRIX)


@pytest.mark.parametrize("name", CASES)
def test_outputs_equal_the_equations(name):
    options, oracle = CASES[name]
    layer = layer_of(name, **options)
    cell, x = layer.cell, torch.randn(1, T, D, dtype=torch.float64)
    y, _ = layer(x)
    p = {k: v.detach().numpy() for k, v in layer.layers[0]["fwd"].named_parameters()}
    rows = np.split(
        x[0].numpy() @ p["weight_input"].T + p["bias"],
        np.cumsum([cell.gate_size(gate, H) for gate in cell.gates])[:-1],
        axis=1,
    )
    a = {
        gate: block.reshape(T, *cell.gate_shape(gate, H))
        for gate, block in zip(cell.gates, rows, strict=True)
    }
    np.testing.assert_allclose(y[0].detach().numpy(), np.stack(list(oracle(a, p))), atol=1e-12)


def test_the_convolution_reads_the_steps_before():
    """Filters that copy one earlier step equal an input that is delayed by it."""
    delayed, plain = (layer_of("deltanet", convolution=width) for width in (3, 1))
    plain.load_state_dict(
        {k: v for k, v in delayed.state_dict().items() if "convolution" not in k}, strict=False
    )
    rows, x = delayed.cell.convolved_size(H), torch.randn(1, T, D, dtype=torch.float64)
    with torch.no_grad():
        delayed.layers[0]["fwd"].convolution.copy_(torch.tensor([0.0, 1.0, 0.0]).expand(rows, 3))
        plain.layers[0]["fwd"].convolution.fill_(1.0)
        for layer in (delayed, plain):  # a constant gate, so that only q, k and v see the input
            layer.layers[0]["fwd"].weight_input[rows:] = 0.0
            layer.layers[0]["fwd"].bias[:rows] = 0.0
    zero = torch.zeros(1, 1, D, dtype=torch.float64)
    torch.testing.assert_close(delayed(x)[0][:, 1:], plain(torch.cat([zero, x], 1))[0][:, 1:-1])


def test_initial_values():
    torch.manual_seed(0)
    mlstm_ = Recurrent("mlstm", D, 8).layers[0]["fwd"]
    assert mlstm_.bias[-4:].tolist() == [3.0, 4.0, 5.0, 6.0]
    for name, last in (("gated_deltanet", 4), ("mamba2", 4)):
        direction = Recurrent(name, D, 8).layers[0]["fwd"]
        step = torch.nn.functional.softplus(direction.bias[-last:])
        assert ((step > 9e-4) & (step < 0.11)).all()
        assert (direction.rate.exp() < 16.01).all()
        assert direction.gain.tolist() == [1.0] * 8


@pytest.mark.parametrize("name", MATRIX)
def test_every_gate_is_explained_once(name):
    cell = build_cell(name)
    explained = [value for step in cell.walk for value in step.values]
    trace = Recurrent(cell, 3, 8)(torch.randn(1, 2, 3), trace=True)[2]["l0.fwd"]
    assert sorted(explained) == sorted(trace)
    assert {value.shape for value in trace.values()} == {(1, 2, 8)}
    kept = cell.kept(trace)
    assert (kept is None) == (name == "deltanet")


@pytest.mark.parametrize("name", MATRIX)
def test_a_step_equals_a_layer_on_one_step(name):
    layer = layer_of(name)
    cell, direction = layer.cell, layer.layers[0]["fwd"]
    x = torch.randn(2, 1, D, dtype=torch.float64)
    y, final, trace = layer(x, trace=True)
    a = torch.nn.functional.linear(x[:, 0], direction.weight_input, direction.bias)
    blocks = a.split([cell.gate_size(gate, H) for gate in cell.gates], dim=-1)
    wx = {
        gate: block.unflatten(-1, cell.gate_shape(gate, H))
        for gate, block in zip(cell.gates, blocks, strict=True)
    }
    state = {s: torch.zeros(2, *cell.state_shape(s, H), dtype=x.dtype) for s in cell.states}
    values = cell.step(wx, {}, state, direction.weights().unit)
    torch.testing.assert_close(values["h"], y[:, 0])
    for state_name, value in zip(cell.states, final, strict=True):
        torch.testing.assert_close(values[state_name], value[0])
    assert trace["l0.fwd"].keys() == values.keys() - set(cell.matrix_states)
