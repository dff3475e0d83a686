"""Parity, modular addition and cycle: oracle against generator, balance, reproducibility."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import check_seed, digest

from seqtag.errors import InputError
from seqtag.probes.states import MACHINES, StatesProbe

PROBES = {name: StatesProbe(name) for name in MACHINES}
every_machine = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
repeatable = settings(derandomize=True, deadline=None, max_examples=60)


@repeatable
@given(
    st.sampled_from(tuple(PROBES.values())),
    st.integers(1, 120),
    st.sampled_from(("train", "dev", "test")),
    st.integers(0, 2**40),
)
def test_oracle_agrees_with_the_generator(probe, length, split, seed):
    items = probe.generate(3, split, {"length": length}, seed)
    assert len(items) == 3
    for item in items:
        assert len(item.tokens) == length
        assert probe.oracle(item.tokens) == list(item.labels)
        assert set(item.labels) <= set(probe.labels)
        assert item.targets == item.cue_positions == tuple(range(length))
        assert item.factors == {"length": length}


@pytest.mark.parametrize(
    ("name", "tokens", "labels"),
    [
        ("parity", "a b b a b", "even odd even even odd"),
        ("modular_addition", "three four one zero two", "3 2 3 3 0"),
        ("cycle", "left stay left right right right", "4 4 3 4 0 1"),
    ],
)
def test_the_oracle_agrees_with_labels_by_hand(name, tokens, labels):
    assert PROBES[name].oracle(tokens.split()) == labels.split()


@repeatable
@given(
    st.sampled_from(tuple(PROBES.values())),
    st.integers(2, 40),
    st.integers(0, 2**40),
    st.data(),
)
def test_tokens_after_a_target_do_not_change_its_label(probe, length, seed, data):
    """With any other ending the sequence is still valid, and the labels before it are the same."""
    assert probe.bidirectional_safe
    (item,) = probe.generate(1, "train", {"length": length}, seed)
    end = data.draw(st.integers(1, length - 1))
    symbols = st.sampled_from(list(probe.steps))
    ending = data.draw(st.lists(symbols, min_size=length - end, max_size=length - end))
    assert probe.oracle([*item.tokens[:end], *ending])[:end] == list(item.labels[:end])


@every_machine
def test_symbols_are_equally_frequent_and_independent(probe):
    items = probe.generate(3000, "train", {"length": 12}, 2)
    kinds = len(probe.steps)
    for position in (0, 5, 11):
        counts = Counter(item.tokens[position] for item in items)
        assert len(counts) == kinds
        assert all(abs(count - 3000 / kinds) < 130 for count in counts.values())
    pairs = Counter((item.tokens[4], item.tokens[5]) for item in items)
    assert len(pairs) == kinds**2
    assert all(abs(count - 3000 / kinds**2) < 130 for count in pairs.values())


@pytest.mark.parametrize(
    ("name", "positions"), [("parity", (0, 19)), ("modular_addition", (0, 19)), ("cycle", (19,))]
)
def test_labels_are_equally_frequent(name, positions):
    probe = PROBES[name]
    items = probe.generate(5000, "train", {"length": 20}, 4)
    for position in positions:
        counts = Counter(item.labels[position] for item in items)
        expected = 5000 / len(probe.labels)
        assert all(abs(counts[label] - expected) < 150 for label in probe.labels)


@pytest.mark.parametrize("length", [10, 40])
def test_the_starting_state_of_cycle_has_the_documented_share(length):
    items = PROBES["cycle"].generate(4000, "train", {"length": length}, 4)
    share = sum(item.labels.count("0") for item in items) / (4000 * length)
    assert abs(share - (0.2 + 0.4 / length)) < 0.008


@every_machine
def test_the_seed_determines_the_items(probe):
    check_seed(probe, {"length": 40})


def test_generated_items_are_unchanged():
    """If this fails because the probe generates other items now, raise `StatesProbe.version`."""
    assert StatesProbe.version == 1
    assert digest(PROBES.values()) == "01dd80d3b0a56239"


def test_chance_and_baselines():
    chances = {name: probe.chance({"length": 7}) for name, probe in PROBES.items()}
    assert chances == {"parity": 0.5, "modular_addition": 0.2, "cycle": 0.2}
    assert all(probe.baselines() == {} for probe in PROBES.values())


def test_wrong_arguments_are_rejected():
    with pytest.raises(InputError, match="cycle: no item has length 0: the least length is 1"):
        PROBES["cycle"].generate(1, "train", {"length": 0}, 0)
    with pytest.raises(InputError, match="the least length is 1"):
        PROBES["cycle"].chance({"length": 0})
    with pytest.raises(InputError, match="did you mean 'right'"):
        PROBES["cycle"].oracle(["stay", "rigth"])
    with pytest.raises(InputError, match=r"unknown machine 'party' \(did you mean 'parity'\?\)"):
        StatesProbe("party")


def test_corpus_at_a_single_lag():
    assert {len(i.tokens) for i in PROBES["parity"].corpus("train", 9, 0, lag=100)} == {100}


@every_machine
def test_generation_is_fast(probe):
    rates = []
    for seed in range(5):
        start = time.process_time()
        items = probe.generate(300, "train", {"length": 20}, seed)
        seconds = time.process_time() - start
        rates.append(sum(len(item.tokens) for item in items) / seconds)
    assert max(rates) > 100_000
