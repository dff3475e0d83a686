"""The certainty of a sentence, against a sum over all sequences of labels."""

from __future__ import annotations

import itertools

import pytest
import torch

WORDS = [["Alex", "goes", "."], [], ["Anna"], ["to", "Paris"]]


@torch.no_grad()
def by_enumeration(tagger, words):
    """Return the probability of the best sequence, to the power of 1/T."""
    network = tagger.network
    with torch.inference_mode():
        emissions_TK = network(tagger.read([words]))[0].double()
    T, K = emissions_TK.shape
    crf, scores = network.crf, []
    for path in itertools.product(range(K), repeat=T):
        score = sum(emissions_TK[t, k] for t, k in enumerate(path))
        if crf is not None:
            allowed = crf.allowed_start_K[path[0]] and crf.allowed_end_K[path[-1]]
            allowed = allowed and all(crf.allowed_KK[a, b] for a, b in itertools.pairwise(path))
            if not allowed:
                continue
            score = score + crf.start_K[path[0]] + crf.end_K[path[-1]]
            score = score + sum(crf.transitions_KK[a, b] for a, b in itertools.pairwise(path))
        scores.append(float(score))
    scores = torch.tensor(scores, dtype=torch.float64)
    return float(torch.exp((scores.max() - scores.logsumexp(0)) / T))


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_certainty_is_that_of_an_enumeration(build_tagger, decoder):
    tagger = build_tagger(decoder=decoder, scheme="bio")
    found = tagger.tag(WORDS, certainty=True)
    assert found[1].certainty == 1.0
    for words, sentence in zip(WORDS, found, strict=True):
        if words:
            assert sentence.certainty == pytest.approx(by_enumeration(tagger, words), abs=1e-5)
            assert sentence.to_plain()["certainty"] == round(sentence.certainty, 6)


def test_certainty_is_computed_only_on_request(tagger):
    assert all(sentence.certainty is None for sentence in tagger.tag(WORDS))
    assert "certainty" not in tagger.tag(WORDS)[0].to_plain()
    labels = [sentence.labels for sentence in tagger.tag(WORDS, certainty=True)]
    assert labels == [sentence.labels for sentence in tagger.tag(WORDS)]
