"""The pronoun probe: oracle against generator, balance, splits, reproducibility."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import check_seed, digest, sentence_text

from seqtag.errors import InputError
from seqtag.probes.base import ProbeItem
from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.lexicon import GENDER_OF
from seqtag.probes.english.parsing import analyse
from seqtag.probes.pronoun import TEST_DISTANCES, Combination, PronounProbe

PROBE = PronounProbe()
repeatable = settings(derandomize=True, deadline=None, max_examples=60)
HELD_OUT = {
    word for group in lex.BY_GENDER["held-out"].values() for word in (*group.nouns, *group.names)
}
GRID = [
    combination
    for combination in (
        Combination(*values)
        for values in product((1, 3, 5, 8, 14, 20, 50), (0, 1, 2, 6), (0, 1, 2, 5), (0, 1, 3))
    )
    if combination.is_possible()
]


@st.composite
def combinations(draw):
    combination = Combination(
        draw(st.integers(3, 80)),
        draw(st.integers(0, 6)),
        draw(st.integers(0, 5)),
        draw(st.integers(0, 3)),
    )
    while not combination.is_possible():
        combination = combination._replace(distance=combination.distance + 5)
    return combination


def label(item):
    return item.labels[item.targets[0]]


def persons(item):
    """Return the genders of all persons in order, found by the parser."""
    analysis = analyse(item.tokens)
    return [GENDER_OF[item.tokens[i]] for i in sorted(analysis.subjects + analysis.others)]


def check(item):
    """Assert the properties of every item."""
    (target,) = item.targets
    assert item.tokens[target] == "PRON"
    assert item.tokens.count("PRON") == 1
    assert PROBE.oracle(item.tokens) == list(item.labels)
    assert label(item) in PROBE.labels
    analysis = analyse(item.tokens)
    others = [GENDER_OF[item.tokens[i]] for i in analysis.others]
    assert item.factors == {
        "distance": target - analysis.subjects[-1] - 1,
        "attractors": sum(gender != label(item) for gender in others),
        "switches": len(analysis.subjects) - 1,
        "depth": analysis.depth,
    }
    assert item.cue_positions == tuple(analysis.subjects)
    subjects = [GENDER_OF[item.tokens[i]] for i in analysis.subjects]
    assert all(a != b for a, b in pairwise(subjects))
    misleads = (persons(item)[0] != label(item), persons(item)[-1] != label(item))
    names = {(False, False): "congruent", (True, False): "first", (False, True): "last"}
    assert item.contrast == names.get(misleads, "incongruent")
    # After the target: a verb, an optional adverb and a full stop, which the oracle does not need.
    verb, *adverb, stop = item.tokens[target + 1 :]
    assert verb in lex.INTRANSITIVE
    assert set(adverb) <= set(lex.ADVERBS)
    assert stop == "."
    assert PROBE.oracle(item.tokens[: target + 1]) == list(item.labels[: target + 1])


@repeatable
@given(combinations(), st.sampled_from(PROBE.splits), st.integers(0, 2**40))
def test_oracle_and_factors_agree_with_the_generator(combination, split, seed):
    items = PROBE.generate(4, split, combination._asdict(), seed)
    assert len(items) == 4
    for item in items:
        check(item)
        assert item.factors == combination._asdict()


@pytest.mark.parametrize("split", PROBE.splits)
def test_every_combination_of_a_grid(split):
    for combination in GRID:
        for item in PROBE.generate(9, split, combination._asdict(), 5):
            check(item)
            assert item.factors == combination._asdict()


@repeatable
@given(combinations())
def test_the_word_of_a_subject_occurs_once(combination):
    combination = combination._replace(
        attractors=min(combination.attractors, 3), switches=min(combination.switches, 2)
    )
    for item in PROBE.generate(3, "test", combination._asdict(), 0):
        heads = {item.tokens[i] for i in item.cue_positions}
        assert sum(token in heads for token in item.tokens) == len(item.cue_positions)


def test_the_seed_determines_the_items():
    factors = {"distance": 20, "attractors": 2, "switches": 1}
    check_seed(PROBE, factors, factors | {"distance": 21})


def test_generated_items_are_unchanged():
    """If this fails because the probe generates other items now, raise `PronounProbe.version`."""
    assert PROBE.version == 1
    assert digest([PROBE], 60, sentence_text) == "5920febbaf6d80c8"


@pytest.mark.parametrize("probe", [PROBE, PronounProbe(names=False)], ids=lambda p: p.name)
def test_balance_at_a_long_distance(probe):
    factors = {"distance": 500, "attractors": 6, "switches": 5, "depth": 0}
    items = probe.generate(54, "test", factors, 1)
    cases = Counter((label(i), persons(i)[0], persons(i)[-1]) for i in items)
    assert set(cases.values()) == {2}
    assert len(cases) == 27
    for item in items:
        check(item)
        assert item.factors == factors
        assert {t for t in item.tokens if t in GENDER_OF} <= HELD_OUT
        previous = GENDER_OF[item.tokens[item.cue_positions[-2]]]
        assert probe.error_kind(item, item.targets[0], previous) == "stale"


def test_without_names_all_persons_are_common_nouns():
    probe = PronounProbe(names=False)
    names = {n for lexicon in lex.BY_GENDER.values() for p in lexicon.values() for n in p[1]}
    for split in probe.splits:
        factors = {"distance": 30, "attractors": 3, "switches": 2, "depth": 1}
        items = probe.generate(54, split, factors, 0)
        for item in items:
            check(item)
            assert not names & set(item.tokens)
    assert items != PROBE.generate(54, split, factors, 0)


def test_held_out_words_occur_in_training_only_adjacent_to_the_pronoun():
    seen = Counter()
    for item in PROBE.corpus("train", 6000, 0):
        held_out = HELD_OUT & set(item.tokens)
        if held_out:
            assert (item.factors["distance"], item.factors["attractors"]) == (1, 0)
            assert len(held_out) == 1
            assert item.lexicon == "held-out"
            assert item.tokens[item.targets[0] - 2] in held_out
            seen.update(held_out)
        else:
            assert item.lexicon == "training"
    assert set(seen) == HELD_OUT
    assert min(seen.values()) >= 4
    for item in PROBE.corpus("dev", 500, 0) + PROBE.corpus("templates", 100, 0):
        assert not HELD_OUT & set(item.tokens)
    for item in PROBE.corpus("test", 300, 0):
        assert {t for t in item.tokens if t in GENDER_OF} <= HELD_OUT
        assert item.lexicon == "held-out"


def test_held_out_templates_are_not_in_training():
    trained = {i.template for s in ("train", "dev", "test") for i in PROBE.corpus(s, 800, 0)}
    others = {i.template for i in PROBE.corpus("templates", 300, 0)}
    assert others == {"none+relative", "opener+place", "place+none"}
    assert not trained & others


def test_mixed_corpus():
    def hard(item):
        return (item.factors["attractors"], item.factors["switches"]) in {(1, 1), (2, 0), (2, 1)}

    for split in ("train", "dev"):
        items = PROBE.corpus(split, 1500, 1)
        assert len(items) == 1500
        for item in items:
            check(item)
            assert all(item.factors[name] in PROBE.training[name] for name in item.factors)
        assert (1 in {i.factors["distance"] for i in items}) == (split == "train")
        # Most items cannot be solved by a shallow cue.
        assert sum(hard(item) for item in items) > 0.5 * len(items)
    items = PROBE.corpus("test", 120, 1)
    assert Counter(i.factors["distance"] for i in items) == dict.fromkeys(TEST_DISTANCES, 20)
    assert all(hard(item) for item in items)
    assert PROBE.corpus("train", 0, 0) == []
    assert PROBE.corpus("dev", 100, 0) == PROBE.corpus("dev", 100, 0) != PROBE.corpus("dev", 100, 1)


def test_at_a_lag_the_subject_is_the_only_person():
    grid = {"distance": 40, "attractors": 0, "switches": 0, "depth": 0}
    assert PROBE.factors_at_lag(40) == {**grid, "alone": 1}
    items = PROBE.corpus("train", 60, 0, lag=40)
    for item in items:
        check(item)
        assert item.factors == grid
        assert len(persons(item)) == 1
    assert Counter(map(label, items)) == dict.fromkeys(PROBE.labels, 20)
    # Without alone=1, persons of the subject's form are nearer to PRON.
    assert any(len(persons(item)) > 1 for item in PROBE.generate(30, "train", grid, 0))
    with pytest.raises(InputError, match="no item has distance 2"):
        PROBE.corpus("train", 30, 0, lag=2)
    with pytest.raises(InputError, match="alone=1 requires attractors=0 and switches=0"):
        PROBE.generate(1, "train", {**grid, "attractors": 1, "alone": 1}, 0)


def test_grid_has_all_possible_combinations():
    full = PROBE.grid()
    assert len(full) == len(
        [c for c in product(*PROBE.evaluation.values()) if Combination(*c).is_possible()]
    )
    assert {"distance": 500, "attractors": 6, "switches": 5, "depth": 3} in full
    assert not [f for f in full if f["distance"] == 5 and f["attractors"] > 1]
    assert all(PROBE.possible(factors) for factors in full)
    assert not PROBE.possible(Combination(2, 0, 0, 0)._asdict())


def item_of(sentence, subjects):
    tokens = tuple(sentence.split())
    labels = PROBE.oracle(tokens)
    target = tokens.index("PRON")
    return ProbeItem(tokens, tuple(labels), (target,), {}, subjects, "", "", ""), target


@pytest.mark.parametrize(
    ("sentence", "subjects", "kinds"),
    [
        (
            "The king slept , and the nun near the twins slept , and PRON sang .",
            (1, 6),
            {"M": "stale", "F": "", "PL": "capture"},
        ),
        # An earlier subject and an attractor are both M; no person is PL.
        (
            "The king slept , and the nun near the boy slept , and PRON sang .",
            (1, 6),
            {"M": "stale", "F": "", "PL": "wrong"},
        ),
        ("The king slept , and PRON sang .", (1,), {"M": "", "F": "wrong", "PL": "wrong"}),
    ],
)
def test_kinds_of_error(sentence, subjects, kinds):
    item, target = item_of(sentence, subjects)
    assert {form: PROBE.error_kind(item, target, form) for form in PROBE.labels} == kinds


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({}, "factor distance is missing"),
        ({"distance": 0}, "least distance for these attractors and this depth is 3"),
        ({"distance": 2}, "is 3"),
        ({"distance": 1, "attractors": 1}, "no item has distance 1, attractors 1, switches 0"),
        ({"distance": 5, "attractors": 2}, "is 8"),
        ({"distance": 14, "depth": 3}, "is 15"),
        ({"distance": 19, "attractors": 6}, "is 20"),
    ],
)
def test_impossible_factors_are_rejected(factors, message):
    with pytest.raises(InputError, match=message):
        PROBE.generate(1, "train", factors, 0)
    with pytest.raises(InputError, match=message):
        PROBE.chance(factors)


def test_corpus_rejects_an_unknown_split():
    with pytest.raises(InputError, match="did you mean 'templates'"):
        PROBE.corpus("template", 10, 0)


def test_generation_is_fast():
    factors = {"distance": 20, "attractors": 2, "switches": 1}
    rates = []
    for seed in range(5):
        start = time.process_time()
        items = PROBE.generate(300, "train", factors, seed)
        seconds = time.process_time() - start
        rates.append(sum(len(item.tokens) for item in items) / seconds)
    assert max(rates) > 100_000
