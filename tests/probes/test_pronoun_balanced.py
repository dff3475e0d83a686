"""Version 2 of the pronoun probe: exact balance in each cell, oracle, splits, refusals."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import check_seed, digest, sentence_text

from seqtag.errors import InputError
from seqtag.probes.english.lexicon import GENDER_OF
from seqtag.probes.english.parsing import analyse
from seqtag.probes.pronoun_balanced import BalancedPronounProbe

PROBE = BalancedPronounProbe()
GRID = PROBE.grid()
MAIN = [factors for factors in GRID if PROBE.table_of(factors) == "main"]
CUES = {"first_cue", "second", "last_but_one", "last_cue", "frequent_cue", "number"}
repeatable = settings(derandomize=True, deadline=None, max_examples=40)


def label(item):
    return item.labels[item.targets[0]]


def check(item, factors):
    """Assert the properties of every item."""
    (target,) = item.targets
    assert item.tokens.count("PRON") == 1
    assert item.tokens[target] == "PRON"
    assert PROBE.oracle(item.tokens) == list(item.labels)
    analysis = analyse(item.tokens)
    forms = [GENDER_OF[item.tokens[i]] for i in sorted(analysis.subjects + analysis.others)]
    rivals = sum(form != label(item) for form in forms)
    assert (
        factors
        == item.factors
        == {
            "distance": target - analysis.subjects[-1] - 1,
            "rivals": rivals,
            "switches": len(analysis.subjects) - 1,
            "depth": analysis.depth,
        }
    )
    assert item.cue_positions == tuple(analysis.subjects)
    if rivals >= 2:
        assert Counter(forms) == dict.fromkeys(PROBE.labels, rivals // 2)
    names = {(False, False): "congruent", (True, False): "first", (False, True): "last"}
    misleads = (forms[0] != label(item), forms[-1] != label(item))
    assert item.contrast == names.get(misleads, "incongruent")


@repeatable
@given(st.sampled_from(GRID), st.sampled_from(PROBE.splits), st.integers(0, 2**40))
def test_oracle_and_factors_agree_with_the_generator(factors, split, seed):
    for item in PROBE.generate(3, split, factors, seed):
        check(item, factors)


@pytest.mark.parametrize("factors", PROBE.grid(quick=True, override={"distance": [5, 20]}), ids=str)
def test_every_baseline_is_at_chance_in_every_cell(factors):
    """Exactly, with a multiple of all blocks: 36 items."""
    items = PROBE.generate(36, PROBE.judged[len(factors) % 2], factors, 3)
    baselines = PROBE.baselines()
    assert set(baselines) == CUES
    chance = PROBE.chance(factors)
    for name, baseline in baselines.items():
        right = sum(baseline(item.tokens) == list(item.labels) for item in items)
        if name == "number":
            assert right == 12  # a constant answer, and the forms are balanced
        else:
            assert right == 36 * chance
    assert Counter(map(label, items)) == dict.fromkeys(PROBE.labels, 12)


def test_a_cell_of_the_full_grid_is_exact_with_one_block():
    for factors in MAIN[::23]:
        items = PROBE.generate(PROBE.block, "test", factors, 1)
        for baseline in PROBE.baselines().values():
            assert sum(baseline(item.tokens) == list(item.labels) for item in items) == 6


def test_the_tables_and_their_chance():
    assert {PROBE.table_of(factors) for factors in GRID} == {"main", "retention"}
    assert {f["rivals"] for f in MAIN} == {2, 4, 6}
    assert all(PROBE.chance(factors) == 1 / 3 for factors in MAIN)
    assert PROBE.chance({"distance": 9}) == 1
    assert PROBE.chance({"distance": 9, "rivals": 1}) == 1 / 2
    cells = {(f["rivals"], f["switches"]) for f in MAIN}
    assert cells == {(2, 0), (4, 0), (4, 1), (4, 2), *((6, s) for s in (0, 1, 2, 3, 5))}


def test_the_seed_determines_the_items():
    factors = {"distance": 20, "rivals": 4, "switches": 1}
    check_seed(PROBE, factors, factors | {"distance": 21})


def test_generated_items_are_unchanged():
    """If this fails because the probe generates other items now, raise its version."""
    assert PROBE.version == 2
    assert digest([PROBE], 60, sentence_text) == "8e493674a430fb3b"


def test_mixed_corpora():
    for split in ("train", "dev"):
        items = PROBE.corpus(split, 600, 1)
        assert all(PROBE.within(item.factors) for item in items)
        assert sum(PROBE.table_of(item.factors) == "main" for item in items) > 0.4 * 600
        assert (1 in {item.factors["distance"] for item in items}) == (split == "train")
    items = PROBE.corpus("test", 80, 1)
    assert all(PROBE.table_of(item.factors) == "main" for item in items)
    assert Counter(i.factors["distance"] for i in items) == dict.fromkeys((20, 50, 100, 200), 20)


def test_at_a_lag_the_subject_is_the_only_person():
    for item in PROBE.corpus("train", 6, 0, lag=40):
        check(item, {"distance": 40, "rivals": 0, "switches": 0, "depth": 0})
        assert sum(token in GENDER_OF for token in item.tokens) == 1


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({}, "factor distance is missing"),
        ({"distance": 2}, "least distance for these rivals and switches at depth 0 is 3"),
        ({"distance": 5, "rivals": 2}, "depth 0 is 8"),
        ({"distance": 19, "rivals": 6}, "depth 0 is 20"),
        ({"distance": 14, "depth": 3}, "depth 3 is 15"),
        ({"distance": 20, "rivals": 3}, "forms can be balanced with 0, 1, 2, 4, 6 rivals"),
        ({"distance": 20, "rivals": 8}, "forms can be balanced with 0, 1, 2, 4, 6 rivals"),
        ({"distance": 50, "rivals": 2, "switches": 1}, "with 2 rivals the most switches are 0"),
        ({"distance": 50, "rivals": 4, "switches": 3}, "with 4 rivals the most switches are 2"),
        ({"distance": 50, "rivals": 0, "switches": 1}, "with 0 rivals the most switches are 0"),
    ],
)
def test_impossible_factors_are_rejected(factors, message):
    with pytest.raises(InputError, match=message):
        PROBE.generate(1, "train", factors, 0)
    with pytest.raises(InputError, match=message):
        PROBE.chance(factors)
