"""A factor on the odds of labels: neutral at 1, and monotone."""

from __future__ import annotations

import math

import pytest
import torch

from seqtag import Tagger
from seqtag.errors import InputError

WORDS = [
    ["Alex", "goes", "to", "Paris", "in", "1999", "."],
    ["Anna", "x", "is"],
    [],
    ["Graves"],
] * 3
FACTORS = [1e-6, 0.01, 0.3, 1, 3, 100, 1e6]


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_a_neutral_bias_changes_nothing(build_tagger, decoder):
    tagger = build_tagger(decoder=decoder)
    before = tagger.tag(WORDS, probabilities=True)
    for bias in ({}, {"PER": 1}, {"O": 1.0, "LOC": 1}):
        assert tagger.with_bias(bias).tag(WORDS, probabilities=True) == before


@pytest.mark.parametrize("name", ["PER", "LOC", "O"])
@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_tokens_of_a_type_do_not_become_fewer_as_its_factor_rises(build_tagger, decoder, name):
    tagger = build_tagger(decoder=decoder)

    def tokens(factor):
        labels = tagger.with_bias({name: factor}).predict(WORDS)
        return sum(label.rpartition("-")[2] == name for row in labels for label in row)

    counts = [tokens(factor) for factor in FACTORS]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == sum(map(len, WORDS))


def test_recall_does_not_fall_as_the_factor_rises(plain_tagger):
    gold = plain_tagger.with_bias({"VERB": 5}).predict(WORDS)
    found = set()
    for factor in FACTORS:
        labels = plain_tagger.with_bias({"VERB": factor}).predict(WORDS)
        places = {(s, t) for s, row in enumerate(labels) for t, x in enumerate(row) if x == "VERB"}
        assert found <= places
        found = places
    assert {(s, t) for s, row in enumerate(gold) for t, x in enumerate(row) if x == "VERB"} <= found


def test_the_factor_multiplies_the_odds(build_tagger):
    tagger = build_tagger(decoder="softmax", scheme="bio")
    columns = [number for number, label in enumerate(tagger.labels.labels) if "PER" in label]

    def odds(tagger):
        ((_, p_BTK),) = tagger.probabilities([["Alex", "goes"]])
        p_T = p_BTK[0, :, columns].sum(dim=1)
        return p_T / (1 - p_T)

    assert torch.allclose(odds(tagger.with_bias({"PER": 1.5})), 1.5 * odds(tagger), rtol=1e-3)


def test_the_weights_are_shared_and_unchanged(build_tagger, tmp_path):
    tagger = build_tagger()
    before = tagger.network.projection.bias.clone()
    biased = tagger.with_bias({"PER": 50.0})
    assert torch.equal(tagger.network.projection.bias, before)
    assert biased.network.projection.weight is tagger.network.projection.weight
    assert biased.network.embedding is tagger.network.embedding
    biased.save(tmp_path / "biased")
    assert Tagger.load(tmp_path / "biased").predict(WORDS) == biased.predict(WORDS)


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        ({"PRE": 2}, r"unknown type in bias 'PRE' \(did you mean 'PER'\?\); known: O, LOC, PER"),
        ({"B-PER": 2}, "unknown type in bias"),
        *(
            ({"PER": wrong}, "bias: PER=.*: must be a number from 1e-06 to 1e\\+06")
            for wrong in (0, -1, math.nan, math.inf, "2", True, None, 1e7)
        ),
    ],
)
def test_wrong_names_and_factors_are_refused(tagger, bias, message):
    with pytest.raises(InputError, match=message):
        tagger.with_bias(bias)


def test_plain_labels_are_named_as_they_are(plain_tagger):
    with pytest.raises(InputError, match=r"unknown label in bias 'NUON' \(did you mean 'NOUN'"):
        plain_tagger.with_bias({"NUON": 2})


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_a_bias_and_a_scheme_in_both_orders(build_tagger, tmp_path, decoder):
    tagger = build_tagger(decoder=decoder)
    biased = tagger.with_bias({"PER": 3, "O": 0.5})
    both = [
        biased.with_scheme("bilou"),
        tagger.with_scheme("bilou").with_bias({"PER": 3, "O": 0.5}),
    ]
    expected = biased.tag(WORDS)
    for one in both:
        found = one.tag(WORDS)
        assert [s.spans for s in found] == [s.spans for s in expected]
        assert found == both[0].tag(WORDS)
        assert {label[0] for s in found for label in s.labels} <= set("BILOU")
        one.save(tmp_path / "model")
        assert Tagger.load(tmp_path / "model").predict(WORDS) == biased.predict(WORDS)
