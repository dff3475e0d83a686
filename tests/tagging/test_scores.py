"""Scores that are not finite are refused, never turned into labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.tagging.probabilities import chosen_probabilities

WORDS = [["Alex", "goes"], [], ["Paris"]]
VALUES = [math.nan, math.inf, -math.inf]


def run(tagger):
    yield lambda: tagger.predict(WORDS)
    yield lambda: tagger.tag(WORDS, probabilities=True)
    yield lambda: tagger.tag("Alex goes.", probabilities=True)
    yield lambda: list(tagger.stream(WORDS))


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", ["projection.bias", "projection.weight", "embedding.words.weight"])
def test_emissions_that_are_not_finite_are_refused(build_tagger, decoder, value, name):
    tagger = build_tagger(decoder=decoder)
    with torch.no_grad():
        tagger.network.get_parameter(name)[1:] = value
    for call in run(tagger):
        with pytest.raises(InputError, match=rf"not finite numbers \(.*{name}.*train it again"):
            call()
    assert tagger.predict([[], []]) == [[], []]  # no label that could be wrong


def test_an_overflow_of_finite_weights_is_refused(build_tagger):
    tagger = build_tagger()
    with torch.no_grad():
        tagger.network.projection.weight.fill_(torch.finfo(torch.float32).max)
        tagger.network.projection.bias.fill_(torch.finfo(torch.float32).max)
    with pytest.raises(InputError, match="overflow"):
        tagger.predict(WORDS)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["crf.start_K", "crf.transitions_KK", "crf.end_K"])
def test_transitions_that_are_not_numbers_are_refused(build_tagger, value, name):
    tagger = build_tagger()
    with torch.no_grad():
        tagger.network.get_parameter(name).view(-1)[0] = value
    for call in run(tagger):
        with pytest.raises(InputError, match=rf"not finite numbers .*{name}"):
            call()


def test_a_weight_of_minus_infinity_forbids_a_transition(build_tagger):
    tagger = build_tagger()
    with torch.no_grad():
        tagger.network.crf.start_K[1:] = -math.inf
    found = tagger.tag(WORDS, probabilities=True)
    assert [s.labels[0] for s in found if s.labels] == ["O", "O"]
    assert found[2].probabilities == (1.0,)  # no other label is allowed


def test_transitions_without_an_allowed_sequence_are_refused(build_tagger):
    tagger = build_tagger()
    with torch.no_grad():
        tagger.network.crf.start_K.fill_(-math.inf)
    for call in run(tagger):
        with pytest.raises(InputError, match="allow no sequence of labels"):
            call()


def test_a_probability_must_be_a_number():
    labels = LabelSet(["A", "B"], "plain", "plain")
    assert chosen_probabilities(
        labels, ["A", "B"], np.array([[0.25, 0.75], [0.0, 1.0 + 1e-7]])
    ) == [0.25, 1.0]
    with pytest.raises(InputError, match="not numbers"):
        chosen_probabilities(labels, ["A"], np.array([[math.nan, 1.0]]))
