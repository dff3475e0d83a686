import numpy as np
import pytest
import torch
from shared.cells import PRESETS

from seqtag.errors import InputError
from seqtag.inspect.memory import half_lives, has_kept_share, kept_share, mean_log_kept
from seqtag.inspect.trace import trace

SENTENCE = ["Anna", "left", "the", "king", "."]
# Their memory is not a weighted sum of the old one and something new.
OTHERS = ("nfg", "rnn", "rnn_relu", "indrnn", "cfn", "star", "cornn", "lru")
KEEPERS = [name for name in PRESETS if name not in OTHERS]
# The gate and the candidate whose product is written into the memory; by default i and z.
WRITTEN = {
    "gru": ("1-z", "n"),
    "gru_reset_before": ("1-z", "n"),
    "mingru": ("z", "n"),
    "brc": ("1-z", "n"),
    "nbrc": ("1-z", "n"),
    "ugrnn": ("1-g", "z"),
    "mgu": ("f", "n"),
    "atr": ("i", "p"),
    "sru": ("1-f", "z"),
    "lem": ("e", "n"),
}


@pytest.mark.parametrize("name", PRESETS)
def test_which_cells_have_a_gate_for_the_share_kept(name, build_tagger):
    assert has_kept_share(build_tagger(name)) == (name in KEEPERS)


@pytest.mark.parametrize("name", KEEPERS)
def test_the_share_kept_is_the_derivative_of_the_memory(name, build_tagger):
    # With its gates fixed, a step is linear in the memory, and the share is its slope.
    tagger = build_tagger(name)
    encoder = tagger.network.encoder
    cell = encoder.cell
    values = trace(tagger, SENTENCE).values["l0.fwd"]
    share_TH = kept_share(cell, values)
    assert (share_TH >= 0).all()
    assert (share_TH <= 1).all()
    memory = "z" if name == "lem" else "c" if "c" in cell.states else "h"
    v = {key: value_TH[1:] for key, value_TH in values.items()}
    old_TH, new_TH = values[memory][:-1], v[memory]
    if name == "slstm":  # the memory that it outputs is the average c / n
        old_TH, new_TH = old_TH / values["n"][:-1], v["c"] / v["n"]
        written_TH = (1 - share_TH[1:]) * v["z"]
    else:
        gate, candidate = WRITTEN.get(name, ("i", "z"))
        weight_TH = 1 - v[gate[2:]] if gate.startswith("1-") else v.get(gate, 1.0)
        if name == "rg_lru":
            weight_TH = weight_TH * np.sqrt(1 - share_TH[1:] ** 2)
        written_TH = weight_TH * v[candidate]
    expected_TH = share_TH[1:] * old_TH + written_TH
    np.testing.assert_allclose(new_TH, expected_TH, atol=1e-6)


def set_forget_gate(tagger, bias_H):
    """Fix the forget gate at sigmoid(bias) at every word."""
    with torch.no_grad():
        for parameter in tagger.network.encoder.parameters():
            parameter.zero_()
        tagger.network.encoder.layers[0]["fwd"].bias[5:10] = torch.tensor(bias_H)


def test_half_lives_of_constant_forget_gates(build_tagger):
    tagger = build_tagger("lstm")
    half, third, all_, none = 0.0, float(np.log(0.5)), 200.0, -200.0
    set_forget_gate(tagger, [half, third, all_, none, 5.0])
    (life_H,) = half_lives(tagger, [SENTENCE, SENTENCE[:2]]).values()
    expected = [1.0, np.log(2) / np.log(3), np.inf, 0.0]
    np.testing.assert_allclose(life_H[:4], expected, rtol=1e-5)
    assert life_H[4] == pytest.approx(np.log(2) / np.log1p(np.exp(-5.0)), rel=1e-3)


def test_the_mean_is_over_words_not_sentences(tagger):
    sentences = [SENTENCE, SENTENCE[:1], SENTENCE[2:]]
    means = mean_log_kept(tagger, sentences)
    assert list(means) == ["l0.fwd", "l0.bwd", "l1.fwd", "l1.bwd"]
    for layer, later in (("l1.fwd", slice(1, None)), ("l1.bwd", slice(-1))):
        shares = [trace(tagger, tokens).values[layer]["f"][later] for tokens in sentences]
        np.testing.assert_allclose(means[layer], np.log(np.vstack(shares)).mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("name", KEEPERS)
def test_every_untrained_cell_keeps_something(name, build_tagger):
    for life_H in half_lives(build_tagger(name), [SENTENCE]).values():
        assert (life_H > 0).all()


@pytest.mark.parametrize("name", ["nfg", "rnn"])
def test_a_cell_without_a_forget_gate_is_refused(name, build_tagger):
    with pytest.raises(InputError, match="has no gate for the share"):
        half_lives(build_tagger(name), [SENTENCE])


def test_sentences_without_a_second_word_are_refused(tagger):
    for sentences in ([], [["Anna"]]):
        with pytest.raises(InputError, match="no sentence of two words or more is given"):
            half_lives(tagger, sentences)
