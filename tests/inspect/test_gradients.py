import csv
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from shared.cells import PRESETS

from seqtag.errors import InputError
from seqtag.inspect.gradients import (
    COLUMNS,
    Curve,
    gradient_curve,
    gradient_report,
    slope,
    write_gradients,
)
from seqtag.inspect.memory import has_kept_share, mean_log_kept
from seqtag.inspect.trace import encoder_input

TOKENS = ["Anna", "and", "the", "old", "king", "left", "again", "."]


def item(target=6, label="M", length=8):
    labels = [None] * length
    labels[target] = label
    return SimpleNamespace(tokens=TOKENS[:length], labels=labels, targets=(target,))


def loss_from(tagger, item_, step, name):
    """Return the loss as a function of a change added to a state of the top layer after a step.

    It runs the rest of the sentence in one call, unlike the steps of `gradient_curve`.
    """
    network = deepcopy(tagger.network).double()
    cell = network.encoder.cell
    with torch.no_grad():
        x_BTD, lengths_B = encoder_input(network, tagger.indexer.encode([item_.tokens]))
        y_BTH, state = network.encoder(x_BTD[:, : step + 1])
    labels_BT = torch.tensor([tagger.labels.encode(item_.labels)])

    def loss(added_H):
        parts = list(state) if isinstance(state, tuple) else [state]
        number = cell.states.index(name)
        parts[number] = parts[number].clone()
        parts[number][-1] += added_H
        before_BTH = y_BTH.clone()
        if number == 0:  # the output itself, which the decoder reads
            before_BTH[:, -1] += added_H
        rest_BTD = x_BTD[:, step + 1 :]
        after_BTH = network.encoder(rest_BTD, None, tuple(parts) if len(parts) > 1 else parts[0])[0]
        emissions_BTK = network.emissions(torch.cat([before_BTH, after_BTH], 1))
        if network.crf is not None:
            return network.crf.nll(emissions_BTK, labels_BT, lengths_B).sum()
        return torch.nn.functional.cross_entropy(emissions_BTK[0], labels_BT[0])

    return loss


def expected(tagger, item_, lag, name):
    norms = []
    for k in range(lag + 1):
        loss = loss_from(tagger, item_, item_.targets[0] - k, name)
        zero_H = torch.zeros(tagger.network.encoder.hidden_size, dtype=torch.float64)
        norms.append(torch.autograd.functional.jacobian(loss, zero_H).norm().item())
    return norms


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("decoder", ["softmax", "crf"])
def test_the_curve_is_the_jacobian_of_the_rest_of_the_sentence(cell, decoder, build_tagger):
    tagger = build_tagger(cell, decoder=decoder)
    if decoder == "crf":
        with torch.no_grad():
            for parameter in tagger.network.crf.parameters():
                parameter.normal_()  # at 0, labels would be independent
    curves = gradient_curve(tagger, [item()], 6)
    assert list(curves) == list(PRESETS[cell].states)
    for name, norm_K in curves.items():
        np.testing.assert_allclose(norm_K, expected(tagger, item(), 6, name), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"residual": True, "layer_norm": True}, {"zoneout": 0.1}])
def test_of_several_layers_the_curve_is_that_of_the_top_one(options, build_tagger):
    tagger = build_tagger(num_layers=3, **options)
    for name, norm_K in gradient_curve(tagger, [item()], 4).items():
        np.testing.assert_allclose(norm_K, expected(tagger, item(), 4, name), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("cell", PRESETS)
def test_the_curve_of_every_cell_agrees_with_finite_differences(cell, build_tagger):
    tagger = build_tagger(cell, hidden_size=3)
    lag = 3
    for name, norm_K in gradient_curve(tagger, [item()], lag).items():
        loss = loss_from(tagger, item(), item().targets[0] - lag, name)
        near_HH = 1e-5 * torch.eye(3, dtype=torch.float64)
        with torch.no_grad():
            slope_H = torch.stack([loss(row_H) - loss(-row_H) for row_H in near_HH]) / 2e-5
        assert norm_K[lag] == pytest.approx(slope_H.norm().item(), rel=1e-5, abs=1e-9)


def test_the_mean_is_over_the_items_that_are_long_enough(build_tagger):
    tagger = build_tagger()
    items = [item(2, "F", 4), item(6), item(1, "PL", 8)]
    together = gradient_curve(tagger, items, 7)["h"]
    alone = [gradient_curve(tagger, [item_], 7)["h"] for item_ in items]
    for k in range(7):
        reaching = [norm_K[k] for norm_K in alone if not np.isnan(norm_K[k])]
        assert together[k] == pytest.approx(np.mean(reaching), rel=1e-12)
    assert np.isnan(together[7])
    assert [int(np.isfinite(norm_K).sum()) for norm_K in alone] == [3, 7, 2]


def test_the_loss_is_that_of_the_last_target(build_tagger):
    several = item()
    several.labels[2] = "F"
    several.targets = (2, 6)
    tagger = build_tagger()
    one, two = (gradient_curve(tagger, [item_], 6)["c"] for item_ in (item(), several))
    np.testing.assert_array_equal(one, two)


def test_the_tagger_is_not_changed(build_tagger):
    tagger = build_tagger()
    before = {name: value.clone() for name, value in tagger.network.state_dict().items()}
    engine = tagger.network.encoder.engine
    gradient_curve(tagger, [item()], 3)
    assert all(torch.equal(before[k], v) for k, v in tagger.network.state_dict().items())
    assert all(value.grad is None for value in tagger.network.parameters())
    assert tagger.network.encoder.engine == engine


def test_without_recurrent_weights_the_forget_gate_alone_is_the_slope(build_tagger):
    tagger = build_tagger(hidden_size=40)
    with torch.no_grad():
        tagger.network.encoder.layers[0]["fwd"].weight_recurrent.zero_()
    curves = gradient_report(tagger, tagger, [item()], 6)
    assert [(curve.when, curve.state) for curve in curves] == [
        *(("initial", "h"), ("initial", "c"), ("trained", "h"), ("trained", "c"))
    ]
    of_c = curves[1]
    assert of_c.slope == pytest.approx(of_c.kept, rel=0.1)
    top = mean_log_kept(tagger, [TOKENS])["l0.fwd"]
    assert of_c.kept == pytest.approx(top.mean())
    assert of_c.half_distance == pytest.approx(np.log(0.5) / of_c.slope)


def test_a_cell_without_a_forget_gate_has_no_expected_slope(build_tagger):
    tagger = build_tagger("rnn")
    assert not has_kept_share(tagger)
    assert all(np.isnan(curve.kept) for curve in gradient_report(tagger, tagger, [item()], 2))


def test_the_slope_ignores_lag_0_and_underflow():
    lags = np.arange(200)
    assert slope(3.0 * np.exp(-0.2 * lags)) == pytest.approx(-0.2)
    fading = np.exp(-0.2 * lags)
    fading[0], fading[150:] = 0.0, 1e-31  # lag 0, and underflow
    assert slope(fading) == pytest.approx(-0.2)
    assert np.isnan(slope(np.array([1.0, 0.5, 0.0])))
    assert Curve("trained", "h", lags, 0.1, 0.0).half_distance == np.inf


def test_curves_are_written_as_a_table(tmp_path):
    curves = [Curve("initial", "c", np.array([0.0, 0.5]), -1.0, -1.0)]
    about = {"run": "first", "cell": "lstm", "start": "bias 1", "seed": 1}
    write_gradients(str(tmp_path / "gradients.csv"), curves, about)
    with open(tmp_path / "gradients.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    assert rows[2] == ["first", "lstm", "bias 1", "initial", "c", "1", "5.000000e-01"]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("options", "items", "lag", "message"),
    [
        ({"bidirectional": True}, [item()], 2, "is bidirectional"),
        ({"pieces": True}, [item()], 2, "reads subword pieces"),
        ({}, [], 2, "no items are given"),
        ({}, [item()], 0, "at least 1, not 0"),
        ({}, [item(label="X")], 2, "does not have the label 'X'"),
        ({}, [SimpleNamespace(tokens=TOKENS, labels=[None] * 8, targets=())], 2, "no target"),
    ],
)
def test_inputs_without_a_curve_are_refused(options, items, lag, message, build_tagger):
    with pytest.raises(InputError, match=message):
        gradient_curve(build_tagger(**options), items, lag)
