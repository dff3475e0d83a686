"""Reflexive and agreement: oracle against generator, balance, splits, reproducibility."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import check_seed, digest, sentence_text

from seqtag.errors import InputError
from seqtag.probes.agreement import AgreementProbe
from seqtag.probes.english.clause import HELD_OUT
from seqtag.probes.english.lexicon import ADVERBS
from seqtag.probes.english.parsing import analyse_clause
from seqtag.probes.reflexive import ReflexiveProbe

REFLEXIVE, AGREEMENT = ReflexiveProbe(), AgreementProbe()
repeatable = settings(derandomize=True, deadline=None, max_examples=60)
both_probes = pytest.mark.parametrize("probe", [REFLEXIVE, AGREEMENT], ids=lambda probe: probe.name)
probes = st.sampled_from([REFLEXIVE, AGREEMENT])


@st.composite
def factors_of(draw, probe):
    """Draw possible factors."""
    attractors = draw(st.integers(0, 6))
    factors = {"attractors": attractors, "distance": draw(st.integers(probe.min_distance, 60))}
    while not probe.possible(factors):
        factors["distance"] += 3
    return factors


def held_out_words(probe):
    return {noun for persons in probe.lexicons["held-out"].values() for noun in persons.nouns}


def label(item):
    return item.labels[item.targets[0]]


def forms(probe, item):
    """Return the forms of all persons in order, found by the parser."""
    analysis = analyse_clause(item.tokens)
    return [probe.form_of[item.tokens[i]] for i in sorted(analysis.subjects + analysis.others)]


def check(probe, item):
    """Assert the properties of every item."""
    (target,) = item.targets
    assert [i for i, token in enumerate(item.tokens) if token == probe.target] == [target]
    assert probe.oracle(item.tokens) == list(item.labels)
    assert label(item) in probe.labels
    analysis = analyse_clause(item.tokens)
    assert item.cue_positions == tuple(analysis.subjects)
    assert item.factors == {
        "attractors": sum(form != label(item) for form in forms(probe, item)),
        "distance": target - analysis.subjects[0] - 1,
    }
    misleads = tuple(forms(probe, item)[end] != label(item) for end in (0, -1))
    names = {(False, False): "congruent", (True, False): "first", (False, True): "last"}
    assert item.contrast == names.get(misleads, "incongruent")
    # After the target: an optional adverb and a full stop, which the oracle does not need.
    *adverb, stop = item.tokens[target + 1 :]
    assert set(adverb) <= set(ADVERBS)
    assert stop == "."
    assert probe.oracle(item.tokens[: target + 1]) == list(item.labels[: target + 1])


@repeatable
@given(st.data(), probes, st.integers(0, 2**40))
def test_oracle_and_factors_agree_with_the_generator(data, probe, seed):
    factors = data.draw(factors_of(probe))
    items = probe.generate(4, data.draw(st.sampled_from(probe.splits)), factors, seed)
    assert len(items) == 4
    for item in items:
        check(probe, item)
        assert item.factors == factors


@both_probes
def test_every_combination_of_the_grid(probe):
    for factors in probe.grid():
        for split in probe.judged:
            for item in probe.generate(4, split, factors, 5):
                check(probe, item)
                assert item.factors == factors


@both_probes
def test_grid_has_only_possible_combinations(probe):
    grid = probe.grid()
    assert {"attractors": 6, "distance": 100} in grid
    assert not [f for f in grid if f["distance"] == 5 and f["attractors"] > 1]
    # Quick: all numbers of attractors, at distances within and beyond the training range.
    assert len(probe.grid(quick=True)) == 10
    assert {probe.within(f) for f in probe.grid(quick=True)} == {True, False}


@both_probes
def test_the_seed_determines_the_items(probe):
    factors = {"attractors": 2, "distance": 20}
    check_seed(probe, factors, factors | {"distance": 21})


@pytest.mark.parametrize(
    ("probe", "expected"),
    [(REFLEXIVE, "49ec867d71976b82"), (AGREEMENT, "b82bd1ec930a528e")],
    ids=lambda value: getattr(value, "name", ""),
)
def test_generated_items_are_unchanged(probe, expected):
    """If this fails because the probes generate other items now, raise `SubjectProbe.version`."""
    assert probe.version == 1
    assert digest([probe], 60, sentence_text) == expected


@both_probes
def test_held_out_words_occur_in_training_only_adjacent_to_the_predicate(probe):
    held_out = held_out_words(probe)
    seen = Counter()
    for item in probe.corpus("train", 6000, 0):
        nouns = held_out & set(item.tokens)
        assert item.lexicon == ("held-out" if nouns else "training")
        if nouns:
            assert item.factors == {"attractors": 0, "distance": probe.min_distance}
            assert nouns == {item.tokens[item.cue_positions[0]]}
            seen.update(nouns)
    assert set(seen) == held_out
    assert min(seen.values()) >= 4
    for item in probe.corpus("dev", 500, 0) + probe.corpus("templates", 100, 0):
        assert not held_out & set(item.tokens)
    for item in probe.corpus("test", 300, 0):
        assert {token for token in item.tokens if token in probe.form_of} <= held_out
        assert item.lexicon == "held-out"


@both_probes
def test_held_out_templates_are_not_in_training(probe):
    trained = {i.template for s in ("train", "dev", "test") for i in probe.corpus(s, 800, 0)}
    others = {i.template for i in probe.corpus("templates", 300, 0)}
    assert not trained & HELD_OUT
    # The judged distances are too long for a subject without modifiers.
    assert others == HELD_OUT - {"speech+none"}


@both_probes
def test_mixed_corpus(probe):
    for split in ("train", "dev"):
        items = probe.corpus(split, 1000, 1)
        for item in items:
            check(probe, item)
            assert probe.within(item.factors)
        closest = min(item.factors["distance"] for item in items)
        assert (Counter(i.factors["distance"] for i in items)[closest] > 100) == (split == "train")
        # Most items cannot be solved by a shallow cue.
        assert sum(item.factors["attractors"] >= 2 for item in items) > 450
    items = probe.corpus("test", 100, 1)
    assert Counter(item.factors["attractors"] for item in items) == dict.fromkeys(
        (0, 1, 2, 4, 6), 20
    )


@both_probes
def test_factors_left_out_are_at_their_first_value(probe):
    (item,) = probe.generate(1, "dev", {}, 0)
    assert item.factors == {"attractors": 0, "distance": 5}


@both_probes
@pytest.mark.parametrize(
    ("factors", "least"),
    [
        ({"attractors": 2}, 6),
        ({"attractors": 6, "distance": 17}, 18),
        ({"attractors": 1, "distance": 2}, 3),
    ],
)
def test_impossible_factors_are_rejected(probe, factors, least):
    message = f"the least distance for these attractors is {least + probe.min_distance}"
    for call in (lambda: probe.generate(1, "train", factors, 0), lambda: probe.chance(factors)):
        with pytest.raises(InputError, match=message):
            call()


@both_probes
def test_training_at_a_lag_is_rejected(probe):
    for lag in (1, 40):
        with pytest.raises(InputError, match=f"probe {probe.name}: cannot train at one lag"):
            probe.corpus("train", 30, 0, lag=lag)


@both_probes
def test_generation_is_fast(probe):
    rates = []
    for seed in range(5):
        start = time.process_time()
        items = probe.generate(300, "train", {"attractors": 2, "distance": 20}, seed)
        seconds = time.process_time() - start
        rates.append(sum(len(item.tokens) for item in items) / seconds)
    assert max(rates) > 100_000
