"""Each step against torch's own cell, and what the layout promises about it."""

from functools import partial

import pytest
import torch
from torch import nn

from seqtag.cells import PRESETS, Gru, Lstm, Rnn

B, D, H = 3, 4, 5


def run_step(cell, x, state, w, r, bias, unit):
    wx = dict(zip(cell.gates, (x @ w.T + bias).chunk(len(cell.gates), -1), strict=True))
    rh = (state["h"] @ r.T).chunk(len(cell.recurrent_gates), -1)
    return cell.step(wx, dict(zip(cell.recurrent_gates, rh, strict=True)), state, unit)


@pytest.mark.parametrize(
    ("cell", "oracle"),
    [
        (Lstm(), nn.LSTMCell),
        (Gru(), nn.GRUCell),
        (Rnn(), nn.RNNCell),
        (Rnn("relu"), partial(nn.RNNCell, nonlinearity="relu")),
    ],
)
def test_step_equals_torchs_cell(cell, oracle):
    torch.manual_seed(0)
    oracle = oracle(D, H).double()
    x, h, c = (torch.randn(B, n, dtype=torch.float64) for n in (D, H, H))
    bias, unit = oracle.bias_ih + oracle.bias_hh, {}
    if cell == Gru():
        unit = {"bias_recurrent": oracle.bias_hh[-H:]}
        bias = torch.cat([bias[:-H], oracle.bias_ih[-H:]])
    values = run_step(cell, x, {"h": h, "c": c}, oracle.weight_ih, oracle.weight_hh, bias, unit)
    expected = oracle(x, (h, c) if cell == Lstm() else h)
    if cell == Lstm():
        torch.testing.assert_close(values["c"], expected[1])
        expected = expected[0]
    torch.testing.assert_close(values["h"], expected)


@pytest.mark.parametrize("cell", PRESETS.values(), ids=PRESETS)
def test_step_names_its_states_and_biases_may_be_the_number_0(cell):
    x, h = torch.randn(B, D), torch.randn(B, H)
    rows = len(cell.gates) * H
    state = dict.fromkeys(cell.states, h)
    unit = {name: 0.0 for name, is_bias in cell.vectors if is_bias}
    values = run_step(cell, x, state, torch.randn(rows, D), torch.randn(rows, H), 0.0, unit)
    assert set(cell.states) <= set(values)
    assert all(v.shape == (B, H) for v in values.values())
    assert set(cell.initial_biases()) <= set(cell.gates)
