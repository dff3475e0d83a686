"""Temporal order: positions of the marked symbols, and what a single one reveals."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from seqtag.errors import InputError
from seqtag.probes.temporal_order import TemporalOrderProbe

TWO, THREE = TemporalOrderProbe(2), TemporalOrderProbe(3)


def test_ranges_at_length_100_are_those_of_the_paper():
    assert TWO.ranges(100) == [range(10, 21), range(50, 61)]
    assert THREE.ranges(100) == [range(10, 21), range(33, 44), range(66, 77)]


@pytest.mark.parametrize("probe", [TWO, THREE])
def test_every_length_from_the_least_fits_all_symbols(probe):
    for length in range(probe.min_length, 1200):
        ranges = probe.ranges(length)
        assert all(ranges)
        assert ranges[0][0] >= 1
        assert ranges[-1][-1] <= length - 2
        assert all(a[-1] < b[0] for a, b in pairwise(ranges))


@pytest.mark.parametrize("probe", [TWO, THREE])
@pytest.mark.parametrize("length", [6, 10, 37, 100, 1000])
def test_symbols_are_within_their_ranges(probe, length):
    for item in probe.generate(16, "test", {"length": length}, 0):
        assert len(item.tokens) == length
        assert (item.tokens[0], item.tokens[-1]) == ("E", "B")
        marked = [i for i, token in enumerate(item.tokens) if token in "XY"]
        assert item.cue_positions == tuple(marked)
        assert all(i in span for i, span in zip(marked, probe.ranges(length), strict=True))
        assert set(item.tokens[1:-1]) <= set("abcdXY")


def test_positions_are_independent_of_the_label():
    items = TWO.generate(8800, "train", {"length": 100}, 1)
    for label in TWO.labels:
        counts = Counter(i.cue_positions[1] for i in items if i.labels[-1] == label)
        assert (
            sum((counts[p] - 200) ** 2 / 200 for p in range(50, 61)) < 30
        )  # 10 degrees of freedom


@pytest.mark.parametrize(("probe", "share"), [(TWO, 2), (THREE, 4)])
def test_one_symbol_is_not_enough_for_the_order(probe, share):
    items = probe.generate(160, "test", {"length": 40}, 2)
    for baseline in probe.baselines().values():
        right = [item for item in items if baseline(item.tokens) == list(item.labels)]
        assert len(right) == 160 // share
        assert all(item.contrast == "congruent" for item in right)
    assert Counter(i.contrast for i in items)["incongruent"] == 160 - 160 // share


@pytest.mark.parametrize(("probe", "min_length"), [(TWO, 5), (THREE, 6)])
def test_impossible_lengths_are_rejected(probe, min_length):
    assert probe.generate(1, "train", {"length": min_length}, 0)
    assert not probe.possible({"length": min_length - 1})
    with pytest.raises(
        InputError, match=f"length {min_length - 1}: the least length is {min_length}"
    ):
        probe.generate(1, "train", {"length": min_length - 1}, 0)
