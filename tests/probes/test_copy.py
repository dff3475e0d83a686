"""Selective copying: letters, blanks and queries; kinds of error."""

from __future__ import annotations

from collections import Counter

import pytest

from seqtag.errors import InputError
from seqtag.probes.copy import LETTERS, CopyProbe

PROBE = CopyProbe()


@pytest.mark.parametrize(("length", "items"), [(1, 1), (3, 3), (64, 8), (512, 16)])
def test_letters_are_among_blanks_and_queries_follow(length, items):
    for item in PROBE.generate(12, "test", {"length": length, "items": items}, 0):
        memory, queries = item.tokens[:length], item.tokens[length:]
        assert queries == ("?",) * items
        assert item.targets == tuple(range(length, length + items))
        letters = [token for token in memory if token != "."]
        assert letters == [item.labels[target] for target in item.targets]
        assert [item.tokens[cue] for cue in item.cue_positions] == letters


def test_letters_can_be_anywhere_before_the_queries():
    items = PROBE.generate(2000, "train", {"length": 10, "items": 2}, 1)
    counts = Counter(cue for item in items for cue in item.cue_positions)
    assert sum((counts[position] - 400) ** 2 / 400 for position in range(10)) < 28  # p = 0.001


def test_baselines_are_right_at_one_query_and_at_chance_at_the_others():
    items = PROBE.generate(1000, "test", {"length": 32, "items": 4}, 1)
    for name, solved in (("first_cue", 0), ("last_cue", 3)):
        baseline = PROBE.baselines()[name]
        for query in range(4):
            hits = [
                baseline(i.tokens)[i.targets[query]] == i.labels[i.targets[query]] for i in items
            ]
            if query == solved:
                assert all(hits)
            else:
                assert sum(hits) == pytest.approx(100, abs=35)


def test_kinds_of_error():
    (item,) = PROBE.generate(1, "test", {"length": 20, "items": 3}, 4)
    first, second = (item.labels[target] for target in item.targets[:2])
    assert first != second
    assert PROBE.error_kind(item, item.targets[0], first) == ""
    assert PROBE.error_kind(item, item.targets[0], second) == "capture"
    missing = next(letter for letter in LETTERS if letter not in item.tokens)
    assert PROBE.error_kind(item, item.targets[0], missing) == "wrong"


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"length": 7, "items": 8}, "no item has length 7, items 8: the least length .* is 8"),
        ({"items": 0}, "the least number of items is 1"),
    ],
)
def test_impossible_factors_are_rejected(factors, message):
    with pytest.raises(InputError, match=message):
        PROBE.chance(factors)
