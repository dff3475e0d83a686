"""Properties of every probe of artificial symbols: oracle, balance, splits, speed."""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import digest

from seqtag.errors import InputError
from seqtag.probes.pronoun import PronounProbe
from seqtag.probes.registry import PROBES, make_probe
from seqtag.probes.synthetic import Synthetic, balanced, noise, random_positions

# Probes of recognition have only some lengths: see test_recognition.
NAMES = [
    name
    for name in PROBES.names()
    if isinstance(make_probe(name), Synthetic) and not name.startswith("language_")
]
# Version of each probe, and the digest of the items it generates.
DIGESTS = {
    "long_lag": (1, "8a7209c2b87fd81e"),
    "temporal_order_6a": (1, "a3e5c6b970f1be63"),
    "adding": (1, "6e64145e350d8a94"),
    "timing": (1, "fc7c9ffd47b262ca"),
    "copy": (1, "27f3cc95ba9c9cc7"),
    "recall": (1, "1dbfcc63c5630797"),
    "recall_forget": (1, "fd986e29fcb9d454"),
    "temporal_order_6b": (1, "7a8f2728978c1267"),
    "reber": (1, "df6040c36a138f98"),
    "counting_ab_member": (1, "c2987e397119e37b"),
    "counting_abc_member": (1, "18926de19ef23650"),
    "brackets": (1, "2b1af082b1455aaa"),
    "brackets_shuffle": (1, "33aa31b4e60f2aa5"),
}
RANDOM = PronounProbe().random_stream("test").random
repeatable = settings(derandomize=True, deadline=None, max_examples=120)


def one_combination(probe):
    """Return training factors: the middle value of the axis, the last value of the others."""
    factors = {name: values[-1] for name, values in probe.training.items()}
    return factors | {probe.axis: probe.training[probe.axis][len(probe.training[probe.axis]) // 2]}


@st.composite
def probes_and_factors(draw):
    probe = make_probe(draw(st.sampled_from(NAMES)))
    return probe, draw(st.sampled_from([*probe.grid(), *probe.grid(quick=True)]))


@repeatable
@given(probes_and_factors(), st.sampled_from(["train", "dev", "test"]), st.integers(0, 2**40))
def test_oracle_agrees_with_the_generator(combination, split, seed):
    probe, factors = combination
    items = probe.generate(3, split, factors, seed)
    assert len(items) == 3
    for item in items:
        assert item.factors == factors
        assert len(item.tokens) == len(item.labels)
        assert item.targets == tuple(i for i, a in enumerate(item.labels) if a is not None)
        assert {item.labels[i] for i in item.targets} <= set(probe.labels)
        assert probe.oracle(item.tokens) == list(item.labels)


@repeatable
@given(probes_and_factors(), st.integers(0, 2**40))
def test_the_tokens_up_to_a_target_determine_its_label(combination, seed):
    probe, factors = combination
    (item,) = probe.generate(1, "test", factors, seed)
    for target in item.targets:
        assert probe.oracle(item.tokens[: target + 1])[target] == item.labels[target]
        assert any(cue <= target for cue in item.cue_positions)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_equally_frequent_at_every_target(name):
    probe = make_probe(name)
    for factors in (one_combination(probe), probe.grid(quick=True)[-1]):
        kinds = len(probe.answers(factors))
        assert probe.chance(factors) == 1 / kinds
        for n in (4 * kinds, 4 * kinds - 1):
            items = probe.generate(n, "train", factors, 6)
            for number in range(probe.target_count(factors)):
                counts = Counter(item.labels[item.targets[number]] for item in items)
                assert set(counts) == set(probe.answers(factors))
                assert set(counts.values()) == ({4} if n % kinds == 0 else {3, 4})


@pytest.mark.parametrize("name", NAMES)
def test_labels_of_different_targets_are_independent(name):
    probe = make_probe(name)
    assert probe.bidirectional_safe
    factors = one_combination(probe)
    items = probe.generate(4000, "train", factors, 3)
    answers = [[item.labels[i] for i in item.targets] for item in items]
    for one, other in combinations(range(min(3, probe.target_count(factors))), 2):
        pairs = Counter((row[one], row[other]) for row in answers)
        expected = 4000 / len(probe.labels) ** 2
        chi_square = sum((pairs[a, b] - expected) ** 2 for a in probe.labels for b in probe.labels)
        # With k exactly balanced labels the mean is k ÷ (k − 1) times the degrees of freedom.
        assert chi_square / expected < 3 * (len(probe.labels) - 1) ** 2 + 6


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_items(name):
    probe = make_probe(name)
    factors = one_combination(probe)
    first = probe.generate(50, "train", factors, 3)
    assert first == probe.generate(50, "train", dict(reversed(factors.items())), 3)
    assert first[:20] == probe.generate(20, "train", factors, 3)
    for other in (
        probe.generate(50, "train", factors, 4),
        probe.generate(50, "dev", factors, 3),
        probe.generate(50, "train", factors | {probe.axis: factors[probe.axis] + 1}, 3),
    ):
        shared = {item.tokens for item in first} & {item.tokens for item in other}
        assert len(shared) < 10  # timing has few different sequences, so some repeat by chance


@pytest.mark.parametrize("name", DIGESTS)
def test_generated_items_are_unchanged(name):
    """If this fails because the probe generates other items now, raise its version."""

    def text(item):
        labels = [item.labels[target] for target in item.targets]
        return f"{' '.join(item.tokens)} {labels} {item.cue_positions} {item.contrast}"

    probe = make_probe(name)
    assert (probe.version, digest([probe], 60, text)) == DIGESTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_factor_left_out_is_at_its_first_value(name):
    probe = make_probe(name)
    first = {factor: values[0] for factor, values in probe.evaluation.items()}
    assert probe.generate(5, "test", {}, 1) == probe.generate(5, "test", first, 1)


@pytest.mark.parametrize("name", NAMES)
def test_corpora_cover_the_training_range_and_the_quick_grid(name):
    probe = make_probe(name)
    for split in ("train", "dev"):
        items = probe.corpus(split, 400, 1)
        assert len(items) == 400
        assert all(probe.within(item.factors) for item in items)
        kinds = len({item.factors[probe.axis] for item in items})
        assert kinds > min(12, len(probe.training[probe.axis]) - 1)
    quick = probe.grid(quick=True)
    counts = Counter(tuple(i.factors.items()) for i in probe.corpus("test", 2 * len(quick), 1))
    assert counts == Counter({tuple(factors.items()): 2 for factors in quick})
    assert max(probe.quick[probe.axis]) <= 4 * max(probe.training[probe.axis])
    assert any(probe.within(factors) for factors in quick)
    assert not all(probe.within(factors) for factors in quick)


@pytest.mark.parametrize("name", NAMES)
def test_corpus_at_a_single_lag(name):
    probe = make_probe(name)
    value = probe.training[probe.axis][-1] * 2
    items = probe.corpus("train", 20, 0, lag=value)
    assert {item.factors[probe.axis] for item in items} == {value}


@pytest.mark.parametrize("name", NAMES)
def test_generation_is_fast(name):
    probe = make_probe(name)
    rates = []
    for seed in range(4):
        start = time.process_time()
        items = probe.corpus("train", 500, seed)
        seconds = time.process_time() - start
        rates.append(sum(len(item.tokens) for item in items) / seconds)
    assert max(rates) > 100_000


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_are_rejected(name):
    probe = make_probe(name)
    with pytest.raises(InputError, match=f"unknown split of the probe {name} 'trian'"):
        probe.generate(1, "trian", {}, 0)
    with pytest.raises(InputError, match=f"factor {probe.axis} must be a whole number"):
        probe.generate(1, "train", {probe.axis: 12.5}, 0)
    with pytest.raises(InputError, match=r"unknown factor of the probe .* 'depht'"):
        probe.chance({"depht": 3})


def test_balanced_is_exact_and_shorter_draws_are_prefixes_of_longer_ones():
    drawn = list(balanced(PronounProbe().random_stream("a").random, "abc", 11))
    assert Counter(Counter(drawn).values()) == {4: 2, 3: 1}
    assert list(balanced(PronounProbe().random_stream("a").random, "abc", 7)) == drawn[:7]
    firsts = Counter(next(balanced(RANDOM, "abc", 3)) for _ in range(3000))
    assert all(abs(count - 1000) < 100 for count in firsts.values())


def test_noise_and_random_positions_are_uniform():
    counts = Counter(noise(RANDOM, "abcd", 4000))
    assert all(abs(counts[symbol] - 1000) < 100 for symbol in "abcd")
    counts = Counter(p for _ in range(2000) for p in random_positions(RANDOM, 2, 5))
    assert all(abs(counts[position] - 800) < 100 for position in range(5))
    assert random_positions(RANDOM, 5, 5) == [0, 1, 2, 3, 4]
