"""Associative recall: pairs and queries, what is reassigned, kinds of error."""

from __future__ import annotations

from collections import Counter

import pytest

from seqtag.errors import InputError
from seqtag.probes.recall import KEYS, VALUES, RecallProbe

PLAIN, FORGET = RecallProbe(), RecallProbe(forget=True)


def assignments(item):
    """Return the keys and values in front, which the cues mark."""
    end = item.cue_positions[-1] + 1
    return list(zip(item.tokens[:end:2], item.tokens[1:end:2], strict=True))


@pytest.mark.parametrize(("length", "pairs", "again"), [(5, 1, 1), (64, 4, 2), (512, 16, 8)])
def test_pairs_come_first_and_each_key_is_asked_for_once(length, pairs, again):
    factors = {"length": length, "pairs": pairs, "reassigned": again}
    for item in FORGET.generate(10, "test", factors, 0):
        assert len(item.tokens) == length
        given = assignments(item)
        assert len(given) == pairs + again
        assert {value for _, value in given} <= set(VALUES)
        keys = {key for key, _ in given}
        assert len(keys) == pairs
        rest = item.tokens[2 * len(given) :]
        assert sorted(token for token in rest if token != ".") == sorted(keys)
        assert [item.tokens[target] for target in item.targets] == [t for t in rest if t != "."]


def test_a_key_is_reassigned_to_another_value():
    seen = Counter()
    factors = {"length": 64, "pairs": 4, "reassigned": 3}
    for item in FORGET.generate(300, "train", factors, 1):
        now = {}
        for key, value in assignments(item):
            assert now.get(key) != value
            now[key] = value
        assert {item.tokens[i]: item.labels[i] for i in item.targets} == now
        seen[max(Counter(key for key, _ in assignments(item)).values())] += 1
    assert set(seen) == {2, 3, 4}


def test_without_forgetting_there_is_nothing_to_reassign():
    assert "reassigned" not in PLAIN.evaluation
    with pytest.raises(InputError, match=r"unknown factor of the probe .* 'reassigned'"):
        PLAIN.generate(1, "train", {"reassigned": 1}, 0)
    for item in PLAIN.generate(20, "train", {"length": 40, "pairs": 6}, 1):
        assert len({key for key, _ in assignments(item)}) == len(assignments(item)) == 6


def test_every_key_is_used():
    items = PLAIN.generate(300, "train", {"length": 16, "pairs": 4}, 1)
    assert {key for item in items for key, _ in assignments(item)} == set(KEYS)


def share(probe, name, items):
    solve = probe.baselines()[name]
    hits = [solve(i.tokens)[t] == i.labels[t] for i in items for t in i.targets]
    return sum(hits) / len(hits)


def test_one_value_for_all_keys_is_right_for_one_and_by_chance():
    items = PLAIN.generate(1000, "test", {"length": 32, "pairs": 4}, 2)
    for name in ("first_cue", "last_cue"):
        assert share(PLAIN, name, items) == pytest.approx(0.25 + 0.75 / 10, abs=0.02)


def test_who_does_not_forget_is_right_where_nothing_changed():
    factors = {"length": 64, "pairs": 4, "reassigned": 2}
    items = FORGET.generate(1000, "test", factors, 2)
    # A key is spared by both draws with 9/16; if drawn twice it may have its first value again.
    assert share(FORGET, "first_cue", items) == pytest.approx(9 / 16 + 1 / 16 / 9, abs=0.02)


def test_kinds_of_error():
    factors = {"length": 32, "pairs": 3, "reassigned": 2}
    kinds = Counter()
    for item in FORGET.generate(40, "test", factors, 5):
        for target in item.targets:
            own = [value for key, value in assignments(item) if key == item.tokens[target]]
            others = {value for key, value in assignments(item) if key != item.tokens[target]}
            for value in VALUES:
                kind = FORGET.error(item, target, value)
                kinds[kind] += 1
                if value == own[-1]:
                    assert kind == ""
                elif value in own:
                    assert kind == "stale"
                else:
                    assert kind == ("capture" if value in others else "wrong")
    assert set(kinds) == {"", "stale", "capture", "wrong"}


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ({"pairs": 0}, "there are 1 to 26 pairs"),
        ({"pairs": 27, "length": 500}, "there are 1 to 26 pairs"),
        ({"pairs": 4, "reassigned": 2, "length": 15}, "the least length for these pairs is 16"),
    ],
)
def test_impossible_factors(factors, said):
    with pytest.raises(InputError, match=said):
        FORGET.generate(1, "train", factors, 0)
