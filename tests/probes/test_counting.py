"""Counting: oracle against generator, what may come next, near misses, reproducibility."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.probes.counting import CountingProbe, MembershipProbe
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
@given(st.sampled_from(MEMBER), st.integers(2, 150), splits, st.integers(0, 2**40))
def test_membership_agrees_with_the_oracle(probe, n, split, seed):
    items = probe.generate(4, split, {"n": n}, seed)
    assert sorted(map(label, items)) == ["no", "no", "yes", "yes"]
    for item in items:
        *string, ask = item.tokens
        assert ask == "?"
        assert item.targets == (len(probe.symbols) * n,)
        assert probe.oracle(item.tokens) == list(item.labels)
        counts = Counter(string)
        assert "".join(string) == "".join(s * counts[s] for s in probe.symbols)
        off = max(abs(count - n) for count in counts.values())
        assert (off == 0) == (label(item) == "yes")
        assert item.template == (f"off by {off}" if off else "equal")
        assert min(counts.values()) >= 1
        assert [string[position] for position in item.cue_positions] == list(probe.symbols)


@member
def test_misses_are_off_by_one_two_or_three_in_all_ways(probe):
    items = [i for i in probe.generate(3600, "train", {"n": 20}, 1) if label(i) == "no"]
    offs = Counter(item.template for item in items)
    assert set(offs) == {"off by 1", "off by 2", "off by 3"}
    assert all(abs(count - 600) < 100 for count in offs.values())
    ways = Counter()
    for item in items:
        counts = Counter(item.tokens)
        ways[tuple(counts[symbol] > 20 for symbol in probe.symbols)] += 1
    expected = len(items) / len(probe.symbols)
    assert all(abs(count - expected) < 110 for count in ways.values())


@member
def test_length_neighbours_and_what_follows_say_nothing(probe):
    assert probe.bidirectional_safe
    seen = {"yes": set(), "no": set()}
    for item in probe.generate(100, "train", {"n": 10}, 1):
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


def test_same_seed_same_items_different_seed_different_items():
    first = MEMBER[1].generate(50, "train", {"n": 30}, 3)
    assert first[:20] == MEMBER[1].generate(20, "train", {"n": 30}, 3)
    assert first != MEMBER[1].generate(50, "train", {"n": 30}, 4)
    assert first != MEMBER[1].generate(50, "dev", {"n": 30}, 3)


def test_bytes_are_what_they_were():
    """If this fails, what the probes generate has changed: raise their version."""
    text = "\n".join(
        "".join(item.tokens) + " ".join(map(str, item.labels)) + item.template
        for probe in FORWARD + MEMBER
        for split in probe.splits
        for item in probe.corpus(split, 20, 0)
    )
    assert {CountingProbe.version, MembershipProbe.version} == {1}
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "b87b9560ce5ff7e5"


@pytest.mark.parametrize(("probe", "n"), [(FORWARD[0], 0), (MEMBER[0], 1)])
def test_sizes_that_no_string_has(probe, n):
    with pytest.raises(InputError, match=f"no string has n {n}; the least is {n + 1}"):
        probe.generate(1, "train", {"n": n}, 0)
    with pytest.raises(InputError, match=f"the least is {n + 1}"):
        probe.chance({"n": n})
    assert 0 < probe.chance({"n": n + 1}) <= 0.5


def test_training_at_one_size():
    assert {len(i.tokens) for i in MEMBER[0].corpus("train", 9, 0, lag=100)} == {201}


@pytest.mark.parametrize("probe", FORWARD + MEMBER, ids=lambda probe: probe.name)
def test_generation_is_fast(probe):
    rates = []
    for seed in range(5):
        start = time.process_time()
        items = probe.generate(300, "train", {"n": 10}, seed)
        spent = time.process_time() - start
        rates.append(sum(len(item.tokens) for item in items) / spent)
    assert max(rates) > 100_000
