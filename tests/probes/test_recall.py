"""Associative recall: pairs and queries, reassigned keys, kinds of error."""

from __future__ import annotations

from collections import Counter

import pytest

from seqtag.errors import InputError
from seqtag.probes.recall import KEYS, VALUES, RecallProbe

PLAIN, FORGET = RecallProbe(), RecallProbe(forget=True)


def assignments(item):
    """Return the pairs of key and value at the start of an item."""
    end = item.cue_positions[-1] + 1
    return list(zip(item.tokens[:end:2], item.tokens[1:end:2], strict=True))


@pytest.mark.parametrize(("length", "pairs", "reassigned"), [(5, 1, 1), (64, 4, 2), (512, 16, 8)])
def test_pairs_come_first_and_each_key_is_queried_once(length, pairs, reassigned):
    factors = {"length": length, "pairs": pairs, "reassigned": reassigned}
    for item in FORGET.generate(10, "test", factors, 0):
        assert len(item.tokens) == length
        assigned = assignments(item)
        assert len(assigned) == pairs + reassigned
        assert {value for _, value in assigned} <= set(VALUES)
        keys = {key for key, _ in assigned}
        assert len(keys) == pairs
        rest = item.tokens[2 * len(assigned) :]
        assert sorted(token for token in rest if token != ".") == sorted(keys)
        assert [item.tokens[target] for target in item.targets] == [t for t in rest if t != "."]


def test_a_key_is_reassigned_to_another_value():
    times_assigned = Counter()
    factors = {"length": 64, "pairs": 4, "reassigned": 3}
    for item in FORGET.generate(300, "train", factors, 1):
        memory = {}
        for key, value in assignments(item):
            assert memory.get(key) != value
            memory[key] = value
        assert {item.tokens[i]: item.labels[i] for i in item.targets} == memory
        times_assigned[max(Counter(key for key, _ in assignments(item)).values())] += 1
    assert set(times_assigned) == {2, 3, 4}


def test_recall_has_no_reassigned_keys():
    assert "reassigned" not in PLAIN.evaluation
    with pytest.raises(InputError, match=r"unknown factor of the probe .* 'reassigned'"):
        PLAIN.generate(1, "train", {"reassigned": 1}, 0)
    for item in PLAIN.generate(20, "train", {"length": 40, "pairs": 6}, 1):
        assert len({key for key, _ in assignments(item)}) == len(assignments(item)) == 6


def test_every_key_is_used():
    items = PLAIN.generate(300, "train", {"length": 16, "pairs": 4}, 1)
    assert {key for item in items for key, _ in assignments(item)} == set(KEYS)


def accuracy(probe, name, items):
    baseline = probe.baselines()[name]
    hits = [baseline(i.tokens)[t] == i.labels[t] for i in items for t in i.targets]
    return sum(hits) / len(hits)


def test_baselines_are_right_for_one_key_and_at_chance_for_the_others():
    items = PLAIN.generate(1000, "test", {"length": 32, "pairs": 4}, 2)
    for name in ("first_cue", "last_cue"):
        assert accuracy(PLAIN, name, items) == pytest.approx(0.25 + 0.75 / 10, abs=0.02)


def test_first_cue_is_right_for_keys_that_are_not_reassigned():
    factors = {"length": 64, "pairs": 4, "reassigned": 2}
    items = FORGET.generate(1000, "test", factors, 2)
    # A key is not reassigned with probability 9/16; one drawn twice can get its first value back.
    assert accuracy(FORGET, "first_cue", items) == pytest.approx(9 / 16 + 1 / 16 / 9, abs=0.02)


def test_kinds_of_error():
    factors = {"length": 32, "pairs": 3, "reassigned": 2}
    kinds = Counter()
    for item in FORGET.generate(40, "test", factors, 5):
        for target in item.targets:
            own = [value for key, value in assignments(item) if key == item.tokens[target]]
            others = {value for key, value in assignments(item) if key != item.tokens[target]}
            for value in VALUES:
                kind = FORGET.error_kind(item, target, value)
                kinds[kind] += 1
                if value == own[-1]:
                    assert kind == ""
                elif value in own:
                    assert kind == "stale"
                else:
                    assert kind == ("capture" if value in others else "wrong")
    assert set(kinds) == {"", "stale", "capture", "wrong"}


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"pairs": 0}, "the number of pairs is 1 to 26"),
        ({"pairs": 27, "length": 500}, "the number of pairs is 1 to 26"),
        ({"pairs": 4, "reassigned": 2, "length": 15}, "the least length for these pairs is 16"),
    ],
)
def test_impossible_factors_are_rejected(factors, message):
    with pytest.raises(InputError, match=message):
        FORGET.generate(1, "train", factors, 0)
