"""The adding problem: positions of the marked digits, and what a single one reveals."""

from __future__ import annotations

from collections import Counter

import pytest

from seqtag.errors import InputError
from seqtag.probes.adding import AddingProbe

PROBE = AddingProbe()


def marked_digits(item):
    return [int(item.tokens[i][0]) for i in item.cue_positions]


@pytest.mark.parametrize("length", [4, 5, 19, 50, 100, 500])
def test_both_marked_digits_are_in_the_first_half_and_one_in_the_first_tenth(length):
    for item in PROBE.generate(38, "test", {"length": length}, 0):
        assert len(item.tokens) == length
        assert item.tokens[-1] == "="
        marked = tuple(i for i, token in enumerate(item.tokens) if token.endswith("*"))
        assert item.cue_positions == marked
        first, second = marked
        assert first < max(1, length // 10)
        assert second < length // 2
        assert str(sum(marked_digits(item))) == item.labels[-1]


def test_every_position_of_the_first_half_is_used():
    items = PROBE.generate(1900, "train", {"length": 40}, 1)
    assert {i.cue_positions[0] for i in items} == set(range(4))
    assert {i.cue_positions[1] for i in items} == set(range(1, 20))


def test_pairs_that_make_a_sum_are_equally_likely():
    items = PROBE.generate(19_000, "train", {"length": 10}, 1)
    pairs = Counter(tuple(marked_digits(item)) for item in items if item.labels[-1] == "9")
    assert len(pairs) == 10
    assert (
        sum((count - 100) ** 2 / 100 for count in pairs.values()) < 28
    )  # 9 degrees of freedom, p = 0.001


@pytest.mark.parametrize("name", ["first_cue", "last_cue"])
def test_one_digit_predicts_24_percent(name):
    baseline = PROBE.baselines()[name]
    items = PROBE.generate(3800, "test", {"length": 30}, 2)
    share = sum(baseline(item.tokens) == list(item.labels) for item in items) / 3800
    assert share == pytest.approx(0.24, abs=0.02)


def test_impossible_lengths_are_rejected():
    with pytest.raises(InputError, match="no item has length 3: the least length is 4"):
        PROBE.generate(1, "train", {"length": 3}, 0)
