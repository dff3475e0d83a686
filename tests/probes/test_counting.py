"""Counting: oracle against generator, what may come next, near misses, reproducibility."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.probes.counting import CountingProbe
from seqtag.probes.registry import make_probe

FORWARD = [make_probe(name) for name in ("counting_ab", "counting_abc")]
MEMBER = [make_probe(name) for name in ("counting_ab_member", "counting_abc_member")]
forward = pytest.mark.parametrize("probe", FORWARD, ids=lambda probe: probe.name)
member = pytest.mark.parametrize("probe", MEMBER, ids=lambda probe: probe.name)
repeatable = settings(derandomize=True, deadline=None, max_examples=60)
splits = st.sampled_from(("train", "dev", "test"))


def label(item):
    return item.labels[item.targets[0]]


@repeatable
@given(st.sampled_from(FORWARD), st.integers(1, 150), splits, st.integers(0, 2**40))
def test_next_symbols_agree_with_the_oracle(probe, n, split, seed):
    first, second = probe.generate(2, split, {"n": n}, seed)
    assert first == second
    assert "".join(first.tokens) == "".join(symbol * n for symbol in probe.symbols)
    assert probe.oracle(first.tokens) == list(first.labels)
    assert first.targets == tuple(range(len(probe.symbols) * n))
    assert first.factors == {"n": n}
    for position in first.cue_positions:
        assert first.tokens[position] != first.tokens[position + 1]
    assert len(first.cue_positions) == len(probe.symbols) - 1


@forward
@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_label_is_the_set_of_all_that_may_come_next(probe, n):
    """Every symbol is tried behind every beginning of a string, on the language itself."""
    (item,) = probe.generate(1, "train", {"n": n}, 0)
    strings = {"".join(symbol * size for symbol in probe.symbols) for size in range(1, 3 * n + 2)}
    for end in range(1, len(item.tokens) + 1):
        beginning = "".join(item.tokens[:end])
        legal = [s for s in probe.symbols if any(w.startswith(beginning + s) for w in strings)]
        if beginning in strings:
            legal.append("$")
        assert item.labels[end - 1] == "|".join(legal)


@forward
def test_labels_of_a_beginning_need_nothing_behind_it(probe):
    (item,) = probe.generate(1, "test", {"n": 9}, 0)
    for end in range(len(item.tokens)):
        assert probe.oracle(item.tokens[:end]) == list(item.labels[:end])


@forward
def test_what_stands_behind_gives_labels_away_as_declared(probe):
    assert not probe.bidirectional_safe
    (item,) = probe.generate(1, "test", {"n": 9}, 0)
    assert all(
        after in label.split("|")
        for label, after in zip(item.labels, item.tokens[1:], strict=False)
    )


@forward
def test_a_guess_at_a_whole_string(probe):
    assert probe.whole
    kinds = len(probe.symbols)
    assert probe.chance({"n": 2}) == pytest.approx((1 / (kinds + 1)) ** (2 * kinds))
    assert probe.chance({"n": 1000}) == 0.0


@pytest.mark.parametrize(
    ("text", "said"), [("ba", "token 1 is 'b', legal is a"), ("aabbb", "token 5 is 'b'")]
)
def test_no_string_of_the_language(text, said):
    with pytest.raises(InputError, match=said):
        FORWARD[0].oracle(list(text))


@repeatable
@given(st.sampled_from(MEMBER), st.integers(1, 6), st.integers(1, 150), splits, st.data())
def test_membership_is_off_by_as_many_as_asked(probe, off, more, split, data):
    factors = {"n": off + more, "off": off}
    for item in probe.generate(4, split, factors, data.draw(st.integers(0, 2**40))):
        *string, ask = item.tokens
        assert ask == "?"
        assert item.targets == (len(probe.symbols) * factors["n"],)
        assert probe.oracle(item.tokens) == list(item.labels)
        counts = Counter(string)
        assert "".join(string) == "".join(s * counts[s] for s in probe.symbols)
        surplus = sorted(counts[symbol] - factors["n"] for symbol in probe.symbols)
        middle = [0] * (len(surplus) - 2)
        assert surplus == ([0, 0, *middle] if label(item) == "yes" else [-off, *middle, off])
        assert [string[position] for position in item.cue_positions] == list(probe.symbols)


@member
def test_misses_are_off_in_all_ways(probe):
    items = probe.generate(3600, "train", {"n": 20, "off": 2}, 1)
    ways = Counter()
    for item in items:
        counts = Counter(item.tokens)
        ways[tuple(counts[symbol] - 20 for symbol in probe.symbols)] += 1
    assert ways.pop((0,) * len(probe.symbols)) == 1800
    kinds = len(probe.symbols)
    assert len(ways) == kinds * (kinds - 1)
    assert all(abs(count - 1800 / len(ways)) < 110 for count in ways.values())


@member
def test_length_neighbours_and_what_follows_say_nothing(probe):
    assert probe.bidirectional_safe
    seen = {"yes": set(), "no": set()}
    for item in probe.generate(100, "train", {"n": 10, "off": 3}, 1):
        assert item.targets == (len(item.tokens) - 1,)
        seen[label(item)].add((len(item.tokens), *sorted(set(pairwise(item.tokens)))))
    assert seen["yes"] == seen["no"]
    assert len(seen["yes"]) == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [("ab?", "yes"), ("aabb?", "yes"), ("abb?", "no"), ("abab?", "no"), ("ba?", "no"), ("?", "no")],
)
def test_the_oracle_judges_any_string(text, answer):
    assert MEMBER[0].oracle(list(text))[-1] == answer


@pytest.mark.parametrize("text", ["", "ab", "abc?", "a?b?"])
def test_the_oracle_of_membership_wants_a_string_and_the_question(text):
    with pytest.raises(InputError, match=r"made of a, b, and a \? at its end"):
        MEMBER[0].oracle(list(text))


def test_bytes_are_what_they_were():
    """If this fails, what the probe generates has changed: raise `CountingProbe.version`."""
    text = "\n".join(
        "".join(item.tokens) + " ".join(item.labels)
        for probe in FORWARD
        for split in probe.splits
        for item in probe.corpus(split, 20, 0)
    )
    assert CountingProbe.version == 1
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "47824efd3044dcf5"


@forward
def test_sizes_that_no_string_has(probe):
    for ask in (probe.chance, lambda factors: probe.generate(1, "train", factors, 0)):
        with pytest.raises(InputError, match="no item has n 0: the least n is 1"):
            ask({"n": 0})


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ({"n": 1}, "no item has n 1, off 1: the least n is 2"),
        ({"n": 3, "off": 3}, "the least n is 4"),
        ({"n": 3, "off": 0}, "the least off is 1"),
    ],
)
def test_near_misses_that_do_not_exist(factors, said):
    with pytest.raises(InputError, match=said):
        MEMBER[0].generate(1, "train", factors, 0)


def test_training_at_one_size():
    assert {len(i.tokens) for i in FORWARD[0].corpus("train", 9, 0, lag=100)} == {200}
    assert {len(i.tokens) for i in MEMBER[0].corpus("train", 9, 0, lag=100)} == {201}
