"""The embedded Reber grammar: lengths, walks, and an inner string independent of the label."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.probes.reber import ReberProbe

PROBE = ReberProbe()
repeatable = settings(derandomize=True, deadline=None, max_examples=60)


def label(item):
    return item.labels[item.targets[0]]


def check(item):
    """Assert the properties of every item."""
    (target,) = item.targets
    assert item.tokens[target] == "?"
    assert target == len(item.tokens) - 2
    assert item.tokens[-1] == "E"
    assert PROBE.oracle(item.tokens) == list(item.labels)
    assert item.cue_positions == (1,)
    assert item.tokens[1] == label(item)
    assert item.factors == {"length": len(item.tokens)}


@repeatable
@given(st.integers(9, 400), st.sampled_from(PROBE.splits), st.integers(0, 2**40))
def test_oracle_and_length_agree_with_the_generator(length, split, seed):
    items = PROBE.generate(4, split, {"length": length}, seed)
    assert sorted(map(label, items)) == ["P", "P", "T", "T"]
    for item in items:
        check(item)
        assert len(item.tokens) == length


@pytest.mark.parametrize(
    ("inside", "legal"),
    [
        ("BTXSE", True),
        ("BPVVE", True),
        ("BTSSXXTVVE", True),
        ("BTXXVPSE", True),
        ("BPVPXVPXVPXVVE", True),
        ("BPTVPSE", True),
        ("BTSSPXSE", False),
        ("BPTVVB", False),
        ("BTXXVVSE", False),
        ("BPVSPSE", False),
        ("BTSSSE", False),
    ],
)
def test_the_oracle_accepts_only_strings_of_the_grammar(inside, legal):
    tokens = [*"BP", *inside, *"?E"]
    if legal:
        assert PROBE.oracle(tokens)[-2] == "P"
    else:
        with pytest.raises(InputError, match="not a string of the embedded grammar: BPB"):
            PROBE.oracle(tokens)


@pytest.mark.parametrize("length", [9, 10, 11, 12])
def test_all_walks_of_a_length_are_equally_likely(length):
    """All walks are found by matching every string with the oracle's regular expression."""
    texts = {""}
    for _ in range(length - 6):
        texts = {text + symbol for text in texts for symbol in "TPSXV"}
    legal = set()
    for text in texts:
        try:
            PROBE.oracle([*"BTB", *text, *"E?E"])
        except InputError:
            continue
        legal.add(text)
    items = PROBE.generate(400 * len(legal), "train", {"length": length}, 5)
    counts = Counter("".join(item.tokens[3:-3]) for item in items)
    assert set(counts) == legal
    assert all(abs(count - 400) < 90 for count in counts.values())


def test_the_inner_string_is_independent_of_the_label():
    items = PROBE.generate(8000, "train", {"length": 20}, 3)
    assert Counter(map(label, items)) == {"T": 4000, "P": 4000}
    baseline = PROBE.baselines()["last_cue"]
    assert abs(sum(baseline(item.tokens) == list(item.labels) for item in items) - 4000) < 160
    for position in range(2, 17):
        table = Counter((item.tokens[position], label(item)) for item in items)
        for token in {token for token, _ in table}:
            total = table[token, "T"] + table[token, "P"]
            assert abs(table[token, "T"] - total / 2) < 2.2 * total**0.5


def test_after_the_masked_symbol_all_items_are_the_same():
    assert PROBE.bidirectional_safe
    for item in PROBE.corpus("test", 100, 0):
        assert item.tokens[item.targets[0] + 1 :] == ("E",)


def test_training_has_natural_lengths():
    counts = Counter(item.factors["length"] for item in PROBE.corpus("train", 4000, 1))
    assert set(counts) <= set(PROBE.training["length"])
    # 4 strings in 16 have the least length, 3 in 16 have one symbol more.
    assert abs(counts[9] - 1000) < 110
    assert abs(counts[10] - 750) < 100
    test = PROBE.corpus("test", 50, 1)
    assert Counter(i.factors["length"] for i in test) == dict.fromkeys(PROBE.quick["length"], 10)


def test_last_cue_is_the_last_outer_symbol_of_the_inner_string():
    baseline = PROBE.baselines()["last_cue"]
    assert baseline([*"BTBPVPSE?E"])[-2:] == ["P", None]
    assert baseline([*"BPBTSXSE?E"])[-2:] == ["T", None]


def test_impossible_lengths_are_rejected():
    with pytest.raises(InputError, match="no item has length 8: the least length is 9"):
        PROBE.generate(1, "train", {"length": 8}, 0)
    with pytest.raises(InputError, match="the least length is 9"):
        PROBE.corpus("train", 1, 0, lag=3)
    with pytest.raises(InputError, match="the least length is 9"):
        PROBE.chance({"length": 0})
    assert PROBE.chance({"length": 9}) == 0.5
    with pytest.raises(InputError, match="no item has factors of this grid"):
        PROBE.grid(override={"length": (5, 8)})
