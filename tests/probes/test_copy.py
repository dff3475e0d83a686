"""Selective copying: letters, blanks and queries; kinds of error."""

from __future__ import annotations

from collections import Counter

import pytest

from seqtag.errors import InputError
from seqtag.probes.copy import LETTERS, CopyProbe

PROBE = CopyProbe()


@pytest.mark.parametrize(("length", "items"), [(1, 1), (3, 3), (64, 8), (512, 16)])
def test_letters_stand_among_blanks_and_queries_behind(length, items):
    for item in PROBE.generate(12, "test", {"length": length, "items": items}, 0):
        memory, queries = item.tokens[:length], item.tokens[length:]
        assert queries == ("?",) * items
        assert item.targets == tuple(range(length, length + items))
        letters = [token for token in memory if token != "."]
        assert letters == [item.labels[target] for target in item.targets]
        assert [item.tokens[cue] for cue in item.cue_positions] == letters


def test_letters_stand_anywhere():
    items = PROBE.generate(2000, "train", {"length": 10, "items": 2}, 1)
    counts = Counter(cue for item in items for cue in item.cue_positions)
    assert sum((counts[place] - 400) ** 2 / 400 for place in range(10)) < 28  # 1 in 1000


def test_one_letter_at_every_query_is_right_once_and_by_chance():
    items = PROBE.generate(1000, "test", {"length": 32, "items": 4}, 1)
    for name, own in (("first_cue", 0), ("last_cue", 3)):
        solve = PROBE.baselines()[name]
        for place in range(4):
            hits = [solve(i.tokens)[i.targets[place]] == i.labels[i.targets[place]] for i in items]
            if place == own:
                assert all(hits)
            else:
                assert sum(hits) == pytest.approx(100, abs=35)


def test_kinds_of_error():
    (item,) = PROBE.generate(1, "test", {"length": 20, "items": 3}, 4)
    first, second = (item.labels[target] for target in item.targets[:2])
    assert first != second
    assert PROBE.error(item, item.targets[0], first) == ""
    assert PROBE.error(item, item.targets[0], second) == "capture"
    missing = next(letter for letter in LETTERS if letter not in item.tokens)
    assert PROBE.error(item, item.targets[0], missing) == "wrong"


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ({"length": 7, "items": 8}, "no item has length 7, items 8: the least length .* is 8"),
        ({"items": 0}, "the least number of items is 1"),
    ],
)
def test_impossible_factors(factors, said):
    with pytest.raises(InputError, match=said):
        PROBE.chance(factors)
