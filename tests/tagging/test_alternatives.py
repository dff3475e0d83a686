"""The most probable sequences of labels, against all of them; the labels of each token."""

from __future__ import annotations

import itertools

import pytest
import torch

WORDS = [["Alex", "goes", "."], [], ["Anna"], ["to", "Paris"]]


@torch.no_grad()
def by_enumeration(tagger, words):
    """Return the probability of each sequence of labels of the network that is allowed."""
    network = tagger.network
    with torch.inference_mode():
        emissions_TK = network(tagger.read([words]))[0].double()
    T, K = emissions_TK.shape
    crf, scores = network.crf, {}
    for path in itertools.product(range(K), repeat=T):
        score = sum(emissions_TK[t, k] for t, k in enumerate(path))
        if crf is not None:
            steps = list(itertools.pairwise(path))
            allowed = crf.allowed_start_K[path[0]] and crf.allowed_end_K[path[-1]]
            if not (allowed and all(crf.allowed_KK[a, b] for a, b in steps)):
                continue
            score = score + crf.start_K[path[0]] + crf.end_K[path[-1]]
            score = score + sum(crf.transitions_KK[a, b] for a, b in steps)
        scores[path] = float(score)
    total = torch.tensor(list(scores.values()), dtype=torch.float64).logsumexp(0)
    return {path: float((score - total).exp()) for path, score in scores.items()}


def test_they_are_the_best_of_all_sequences(build_tagger):
    tagger = build_tagger(scheme="bioes")
    for words, sentence in zip(WORDS, tagger.tag(WORDS, alternatives=7), strict=True):
        if not words:
            (only,) = sentence.alternatives
            assert only.to_plain() == {"labels": [], "spans": [], "probability": 1.0}
            continue
        every = by_enumeration(tagger, words)
        best = sorted(every, key=every.get, reverse=True)[:7]
        assert [one.labels for one in sentence.alternatives] == [
            tuple(tagger.labels.decode(path)) for path in best
        ]
        found = [one.probability for one in sentence.alternatives]
        assert found == pytest.approx([every[path] for path in best], abs=1e-6)
        assert sentence.alternatives[0].labels == sentence.labels
        assert sentence.alternatives[0].spans == sentence.spans


def test_without_a_crf(plain_tagger, build_tagger):
    tagger = build_tagger(labels=plain_tagger.labels, decoder="softmax")
    (sentence,) = tagger.tag([WORDS[0]], alternatives=1_000)
    every = by_enumeration(tagger, WORDS[0])
    assert len(sentence.alternatives) == len(every) == 27
    assert sum(one.probability for one in sentence.alternatives) == pytest.approx(1)
    assert sentence.alternatives[0].labels == sentence.labels
    assert sentence.alternatives[0].probability == pytest.approx(max(every.values()))


def test_equal_ones_in_the_scheme_of_the_corpus_are_one(build_tagger):
    tagger = build_tagger(scheme="bioes", decoder="softmax")
    (sentence,) = tagger.tag([["to", "Paris"]], alternatives=200)
    labels = [one.labels for one in sentence.alternatives]
    assert len(labels) == len(set(labels)) < len(tagger.labels) ** 2


def test_labels_are_in_the_scheme_that_was_asked_for(tagger):
    (sentence,) = tagger.with_scheme("bmes").tag([WORDS[0]], alternatives=3)
    (own,) = tagger.tag([WORDS[0]], alternatives=3)
    assert sentence.alternatives[0].labels == sentence.labels
    assert [one.spans for one in sentence.alternatives] == [one.spans for one in own.alternatives]


def test_the_labels_of_each_token(build_tagger):
    for scheme in ("bio", "bioes"):
        tagger = build_tagger(scheme=scheme)
        (sentence,) = tagger.tag([WORDS[0]], probabilities=True, top_labels=9)
        for label, p, ranked in zip(
            sentence.labels, sentence.probabilities, sentence.top_labels, strict=True
        ):
            assert dict(ranked)[label] == pytest.approx(p)
            assert sum(dict(ranked).values()) == pytest.approx(1, abs=1e-5)
            assert [p for _, p in ranked] == sorted((p for _, p in ranked), reverse=True)
            assert set(dict(ranked)) == {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}
    (sentence,) = tagger.tag([WORDS[0]], top_labels=2)
    assert sentence.probabilities is None
    assert [len(ranked) for ranked in sentence.to_plain()["top_labels"]] == [2, 2, 2]
    assert tagger.tag([[]], top_labels=2)[0].top_labels == ()


def test_batches_give_the_same_as_single_sentences(tagger):
    together = tagger.tag(WORDS, alternatives=4, top_labels=2)
    for words, sentence in zip(WORDS, together, strict=True):
        (alone,) = tagger.tag([words], alternatives=4, top_labels=2)
        for one, other in zip(alone.alternatives, sentence.alternatives, strict=True):
            assert one.labels == other.labels
            assert one.probability == pytest.approx(other.probability, abs=1e-6)
        for one, other in zip(alone.top_labels, sentence.top_labels, strict=True):
            assert dict(one) == pytest.approx(dict(other), abs=1e-6)


@pytest.mark.parametrize("number", [-1, 1_001, True, 1.5])
def test_wrong_numbers(tagger, number):
    for name in ("alternatives", "top_labels"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from 0 to 1,000"):
            tagger.tag(WORDS, **{name: number})
