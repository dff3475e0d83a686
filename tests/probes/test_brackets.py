"""Brackets: exact depths, uniform strings, unbalanced strings."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.probes.brackets import CLOSER_OF, CLOSERS, OPENERS, BracketsProbe, ShuffleProbe

PROBE = BracketsProbe()
SHUFFLE = ShuffleProbe()
both_probes = pytest.mark.parametrize("probe", [PROBE, SHUFFLE], ids=lambda probe: probe.name)
repeatable = settings(derandomize=True, deadline=None, max_examples=60)


def heights(tokens):
    """Return the number of open brackets after each token."""
    return list(accumulate(1 if token in OPENERS else -1 for token in tokens if token != "?"))


@st.composite
def combinations(draw):
    depth = draw(st.integers(1, 14))
    return {"depth": depth, "length": 2 * draw(st.integers(depth, 60))}


@repeatable
@given(st.sampled_from([PROBE, SHUFFLE]), combinations(), st.integers(0, 2**40))
def test_depth_and_length_are_exact(probe, factors, seed):
    for item in probe.generate(3, "test", factors, seed):
        depths = heights(item.tokens)
        assert len(depths) == factors["length"]
        assert max(depths) == factors["depth"]
        assert min(depths) == depths[-1] == 0
        assert probe.oracle(item.tokens) == list(item.labels)


@repeatable
@given(combinations(), st.integers(0, 2**40))
def test_each_cue_is_the_opener_of_its_target(factors, seed):
    for item in PROBE.generate(2, "test", factors, seed):
        depths = heights(item.tokens)
        for target, cue in zip(item.targets, item.cue_positions, strict=True):
            assert item.labels[target] == CLOSER_OF[item.tokens[cue]]
            assert min(depths[cue:target]) == depths[cue] == depths[target] + 1


@both_probes
@pytest.mark.parametrize(("depth", "length"), [(1, 8), (2, 8), (3, 10), (5, 10)])
def test_opening_and_closing_steps_are_drawn_uniformly(probe, depth, length):
    paths = [
        path
        for steps in product((1, -1), repeat=length)
        if (path := tuple(accumulate(steps)))[-1] == 0 and min(path) == 0 and max(path) == depth
    ]
    items = probe.generate(300 * len(paths), "train", {"depth": depth, "length": length}, 1)
    counts = Counter(tuple(heights(item.tokens)) for item in items)
    assert set(counts) == set(paths)
    assert all(abs(count - 300) < 80 for count in counts.values())


def test_oracles_agree_with_labels_by_hand():
    labels = PROBE.oracle(list("([/{//</"))
    assert labels == [None, None, "]", None, "}", ")", None, ">"]
    assert SHUFFLE.oracle(list("([){]}?"))[-1] == "yes"
    assert SHUFFLE.oracle(list("([){]]?"))[-1] == "no"
    assert SHUFFLE.oracle(list(")(?"))[-1] == "no"
    assert SHUFFLE.oracle(["?"]) == ["yes"]


def test_openers_after_a_closer_are_independent_of_its_type():
    """Only openers are compared, because closers show no type."""
    items = PROBE.generate(4000, "train", {"depth": 3, "length": 20}, 1)
    pairs = Counter()
    for item in items:
        target = item.targets[0]
        opener = next((t for t in item.tokens[target:] if t in OPENERS), None)
        pairs[item.labels[target], opener] += opener is not None
    expected = sum(pairs.values()) / 16
    assert all(
        abs(pairs[pair] - expected) < 5 * expected**0.5 for pair in product(CLOSERS, OPENERS)
    )


def test_last_cue_solves_closers_next_to_their_opener_and_a_quarter_of_the_others():
    baseline = PROBE.baselines()["last_cue"]
    assert baseline(list("([/{//(/")) == [None, None, "]", None, "}", "}", None, ")"]
    for factors in ({"depth": 4, "length": 40}, {"depth": 12, "length": 200}):
        right = total = neighbours = 0
        for item in PROBE.generate(300, "test", factors, 1):
            predicted = baseline(item.tokens)
            right += sum(predicted[t] == item.labels[t] for t in item.targets)
            neighbours += sum(item.tokens[t - 1] in OPENERS for t in item.targets)
            total += len(item.targets)
        assert 0.45 < neighbours / total < 0.62
        assert abs(right - neighbours - (total - neighbours) / 4) < 0.03 * total


def test_unbalanced_strings_differ_in_one_type_and_have_the_same_depths():
    items = SHUFFLE.generate(2000, "train", {"depth": 4, "length": 20}, 1)
    shapes = {"yes": Counter(), "no": Counter()}
    for item in items:
        *string, _ = item.tokens
        surplus = {o: string.count(o) - string.count(c) for o, c in CLOSER_OF.items()}
        off = sorted(surplus.values())
        assert off == ([0, 0, 0, 0] if item.labels[-1] == "yes" else [-1, 0, 0, 1])
        shapes[item.labels[-1]].update(heights(string))
    for height, count in shapes["yes"].items():
        assert abs(shapes["no"][height] - count) < 6 * count**0.5
    counts = Counter(token for item in items for token in item.tokens[:-1])
    assert all(abs(count - 5000) < 300 for count in counts.values())


@both_probes
@pytest.mark.parametrize(
    ("depth", "length", "message"),
    [
        (0, 10, "no item has depth 0, length 10: the least depth is 1"),
        (6, 10, "the least length of this depth is 12"),
        (2, 9, "lengths are even: 8 or 10"),
    ],
)
def test_impossible_factors_are_rejected(probe, depth, length, message):
    for call in (probe.chance, lambda factors: probe.generate(1, "train", factors, 0)):
        with pytest.raises(InputError, match=message):
            call({"depth": depth, "length": length})


@both_probes
def test_factors_at_lag_have_the_shortest_length(probe):
    assert probe.factors_at_lag(2) == {"depth": 2, "length": 8}
    assert probe.factors_at_lag(12) == {"depth": 12, "length": 24}


@pytest.mark.parametrize(
    ("probe", "text", "message"),
    [
        (PROBE, "(//", "token 3 closes no open bracket"),
        (PROBE, "()/", "token 2 is not a bracket: [')']"),
        (SHUFFLE, "()", "brackets followed by [?]"),
        (SHUFFLE, "(a?", "expected brackets"),
    ],
)
def test_the_oracle_rejects_other_strings(probe, text, message):
    with pytest.raises(InputError, match=message):
        probe.oracle(list(text))
