"""Counting: oracle against generator, legal next symbols, near misses, reproducibility."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import digest

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
def test_a_label_is_the_set_of_all_legal_next_symbols(probe, n):
    """After each prefix, every symbol is tried on an enumeration of the language."""
    (item,) = probe.generate(1, "train", {"n": n}, 0)
    strings = {"".join(symbol * size for symbol in probe.symbols) for size in range(1, 3 * n + 2)}
    for end in range(1, len(item.tokens) + 1):
        prefix = "".join(item.tokens[:end])
        legal = [s for s in probe.symbols if any(w.startswith(prefix + s) for w in strings)]
        if prefix in strings:
            legal.append("$")
        assert item.labels[end - 1] == "|".join(legal)


@forward
def test_labels_of_a_prefix_do_not_depend_on_what_follows(probe):
    (item,) = probe.generate(1, "test", {"n": 9}, 0)
    for end in range(len(item.tokens)):
        assert probe.oracle(item.tokens[:end]) == list(item.labels[:end])


@forward
def test_the_next_token_reveals_the_label_as_declared(probe):
    assert not probe.bidirectional_safe
    (item,) = probe.generate(1, "test", {"n": 9}, 0)
    assert all(
        after in label.split("|")
        for label, after in zip(item.labels, item.tokens[1:], strict=False)
    )


@forward
def test_chance_is_that_of_whole_strings(probe):
    assert probe.whole
    kinds = len(probe.symbols)
    assert probe.chance({"n": 2}) == pytest.approx((1 / (kinds + 1)) ** (2 * kinds))
    assert probe.chance({"n": 1000}) == 0.0


@pytest.mark.parametrize(
    ("text", "message"), [("ba", "token 1 is 'b'; expected a"), ("aabbb", "token 5 is 'b'")]
)
def test_the_oracle_rejects_strings_outside_the_language(text, message):
    with pytest.raises(InputError, match=message):
        FORWARD[0].oracle(list(text))


@repeatable
@given(st.sampled_from(MEMBER), st.integers(1, 6), st.integers(1, 150), splits, st.data())
def test_near_misses_are_off_by_the_factor_off(probe, off, more, split, data):
    factors = {"n": off + more, "off": off}
    for item in probe.generate(4, split, factors, data.draw(st.integers(0, 2**40))):
        *string, query = item.tokens
        assert query == "?"
        assert item.targets == (len(probe.symbols) * factors["n"],)
        assert probe.oracle(item.tokens) == list(item.labels)
        counts = Counter(string)
        assert "".join(string) == "".join(s * counts[s] for s in probe.symbols)
        surplus = sorted(counts[symbol] - factors["n"] for symbol in probe.symbols)
        middle = [0] * (len(surplus) - 2)
        assert surplus == ([0, 0, *middle] if label(item) == "yes" else [-off, *middle, off])
        assert [string[position] for position in item.cue_positions] == list(probe.symbols)


@member
def test_every_pair_of_symbols_can_be_off(probe):
    items = probe.generate(3600, "train", {"n": 20, "off": 2}, 1)
    surpluses = Counter()
    for item in items:
        counts = Counter(item.tokens)
        surpluses[tuple(counts[symbol] - 20 for symbol in probe.symbols)] += 1
    assert surpluses.pop((0,) * len(probe.symbols)) == 1800
    kinds = len(probe.symbols)
    assert len(surpluses) == kinds * (kinds - 1)
    assert all(abs(count - 1800 / len(surpluses)) < 110 for count in surpluses.values())


@member
def test_length_and_adjacent_pairs_do_not_reveal_the_label(probe):
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
def test_the_membership_oracle_rejects_other_tokens(text):
    with pytest.raises(InputError, match=r"expected a string of a, b followed by \?"):
        MEMBER[0].oracle(list(text))


def test_generated_items_are_unchanged():
    """If this fails because the probe generates other items now, raise `CountingProbe.version`."""
    assert CountingProbe.version == 1

    def text(item):
        return "".join(item.tokens) + " ".join(item.labels)

    assert digest(FORWARD, text=text) == "47824efd3044dcf5"


@forward
def test_n_zero_is_rejected(probe):
    for call in (probe.chance, lambda factors: probe.generate(1, "train", factors, 0)):
        with pytest.raises(InputError, match="no item has n 0: the least n is 1"):
            call({"n": 0})


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"n": 1}, "no item has n 1, off 1: the least n is 2"),
        ({"n": 3, "off": 3}, "the least n is 4"),
        ({"n": 3, "off": 0}, "the least off is 1"),
    ],
)
def test_impossible_near_misses_are_rejected(factors, message):
    with pytest.raises(InputError, match=message):
        MEMBER[0].generate(1, "train", factors, 0)


def test_corpus_at_a_single_lag():
    assert {len(i.tokens) for i in FORWARD[0].corpus("train", 9, 0, lag=100)} == {200}
    assert {len(i.tokens) for i in MEMBER[0].corpus("train", 9, 0, lag=100)} == {201}
