"""Even pairs and arithmetic, with and without brackets: oracle and Python against the generator."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import check_seed, digest

from seqtag.errors import InputError
from seqtag.probes.registry import make_probe

PREFIXES = ("even_pairs", "modular_arithmetic")
BRACKETS = ("arithmetic_brackets", "arithmetic_brackets_sums")
NAMES = (*PREFIXES, *BRACKETS)
every_probe = pytest.mark.parametrize("name", NAMES)
# Version of each probe, and the digest of the items it generates.
DIGESTS = {
    "even_pairs": (1, "2ead027753f96052"),
    "modular_arithmetic": (1, "0f76d11f4c4af789"),
    "arithmetic_brackets": (1, "3c258d1632a23b55"),
    "arithmetic_brackets_sums": (1, "8a9d8608775e67bf"),
}
repeatable = settings(derandomize=True, deadline=None, max_examples=80)
PYTHON = {
    **{word: str(digit) for digit, word in enumerate(["zero", "one", "two", "three", "four"])},
    **{"plus": "+", "minus": "-", "times": "*", "(": "(", ")": ")"},
}


def evaluated(tokens):
    """Return the value of an expression modulo 5, as Python computes it."""
    return str(eval(" ".join(PYTHON[token] for token in tokens), {"__builtins__": {}}) % 5)


def opener(tokens, end):
    """Return the position of the bracket that closes at `end`."""
    level = 0
    for place in range(end, -1, -1):
        level += {")": 1, "(": -1}.get(tokens[place], 0)
        if not level:
            return place
    raise AssertionError


@repeatable
@given(
    st.sampled_from(NAMES),
    st.integers(3, 60),
    st.sampled_from(["train", "dev", "test"]),
    st.integers(0, 2**40),
)
def test_oracle_agrees_with_the_generator(name, length, split, seed):
    probe = make_probe(name)
    for item in probe.generate(3, split, {"length": length}, seed):
        assert len(item.tokens) == length == item.factors["length"]
        assert probe.oracle(item.tokens) == list(item.labels)
        assert item.targets == tuple(p for p, label in enumerate(item.labels) if label is not None)
        assert {item.labels[target] for target in item.targets} <= set(probe.labels)


@repeatable
@given(st.integers(1, 40), st.integers(0, 2**40))
def test_labels_without_brackets_are_the_values_of_prefixes(length, seed):
    (item,) = make_probe("modular_arithmetic").generate(1, "train", {"length": length}, seed)
    assert item.targets == tuple(range(0, length, 2))
    for target in item.targets:
        assert item.labels[target] == evaluated(item.tokens[: target + 1])


@repeatable
@given(st.sampled_from(BRACKETS), st.integers(3, 60), st.integers(0, 2**40))
def test_labels_with_brackets_are_the_values_of_brackets(name, length, seed):
    probe = make_probe(name)
    (item,) = probe.generate(1, "train", {"length": length}, seed)
    assert item.targets[-1] == length - 1
    assert ("times" in item.tokens) <= (name == "arithmetic_brackets")
    for target in item.targets:
        inner = item.tokens[opener(item.tokens, target) : target + 1]
        assert item.labels[target] == evaluated(inner)


@repeatable
@given(st.integers(1, 40), st.integers(0, 2**40))
def test_an_even_number_of_changes_ends_with_the_first_symbol(length, seed):
    (item,) = make_probe("even_pairs").generate(1, "train", {"length": length}, seed)
    for token, label in zip(item.tokens, item.labels, strict=True):
        assert label == ("even" if token == item.tokens[0] else "odd")


@pytest.mark.parametrize(
    ("name", "tokens", "labels"),
    [
        ("even_pairs", "a b b a b", "even odd odd even odd"),
        ("modular_arithmetic", "two plus three times four minus one", "2 - 0 - 4 - 3"),
        ("modular_arithmetic", "zero minus two times four times", "0 - 3 - 2 -"),
        ("arithmetic_brackets", "( two plus ( minus three ) )", "- - - - - - 2 4"),
        ("arithmetic_brackets", "( minus two times minus four )", "- - - - - - 3"),
        (
            "arithmetic_brackets_sums",
            "( ( one ) minus ( two minus four ) )",
            "- - - 1 - - - - - 3 3",
        ),
    ],
)
def test_labels_by_hand(name, tokens, labels):
    expected = [None if label == "-" else label for label in labels.split()]
    assert make_probe(name).oracle(tokens.split()) == expected


def test_operators_and_digits_are_uniform():
    items = make_probe("modular_arithmetic").generate(3000, "train", {"length": 8}, 1)
    for place in range(8):
        counts = Counter(item.tokens[place] for item in items)
        kinds = 3 if place % 2 else 5
        assert len(counts) == kinds
        assert all(abs(count - 3000 / kinds) < 130 for count in counts.values())


@pytest.mark.parametrize("name", ["even_pairs", "arithmetic_brackets_sums"])
def test_the_last_label_is_uniform(name):
    items = make_probe(name).generate(3000, "train", {"length": 17}, 1)
    counts = Counter(item.labels[-1] for item in items)
    kinds = len(make_probe(name).labels)
    assert all(abs(count - 3000 / kinds) < 130 for count in counts.values())


@every_probe
def test_the_seed_determines_the_items(name):
    check_seed(make_probe(name), {"length": 40})


@every_probe
def test_generated_items_are_unchanged(name):
    """If this fails because the probe generates other items now, raise its version."""
    probe = make_probe(name)
    assert (probe.version, digest([probe])) == DIGESTS[name]


@pytest.mark.parametrize(
    ("name", "tokens", "message"),
    [
        ("even_pairs", "a c", "unknown symbol 'c'; known: a, b"),
        ("modular_arithmetic", "one two", "token 2 is 'two'; expected plus, minus, times"),
        ("modular_arithmetic", "ome", "did you mean 'one'"),
        ("arithmetic_brackets", "( one", "not an expression in brackets"),
        ("arithmetic_brackets", "one", "not an expression in brackets"),
        ("arithmetic_brackets", "( one two )", "token 4 closes what is not an expression"),
        ("arithmetic_brackets", ") one", "not an expression in brackets"),
        ("arithmetic_brackets", "( x )", "token 3 closes what is not an expression"),
        ("arithmetic_brackets", "( )", "token 2 closes what is not an expression"),
    ],
)
def test_what_is_not_an_expression_is_refused(name, tokens, message):
    with pytest.raises(InputError, match=message):
        make_probe(name).oracle(tokens.split())


def test_impossible_lengths_are_refused():
    with pytest.raises(InputError, match="the least length is 3"):
        make_probe("arithmetic_brackets").generate(1, "train", {"length": 2}, 0)
