"""Strings computed from strings: oracle against generator, answers by hand, refusals."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import check_seed, digest

from seqtag.errors import InputError
from seqtag.probes.registry import PROBES, make_probe
from seqtag.probes.transduction import QUERY, TransductionProbe

NAMES = [name for name in PROBES.names() if isinstance(make_probe(name), TransductionProbe)]
every_probe = pytest.mark.parametrize("name", NAMES)
repeatable = settings(derandomize=True, deadline=None, max_examples=100)
# Version of each probe, and the digest of the items it generates.
DIGESTS = {
    "binary_addition": (1, "2a2b41969674e376"),
    "binary_multiplication": (1, "306f94c6e12d9fa2"),
    "bucket_sort": (1, "3db87fdcd25d2401"),
    "duplicate": (1, "075b4e19a9792cdd"),
    "missing_duplicate": (1, "d1f4408563f116a4"),
    "odds_first": (1, "105b645c447a6c5e"),
    "reverse": (1, "fe7b5beba0db1ecd"),
    "solve_equation": (1, "3138ee08aca10107"),
    "square_root": (1, "f2d200d6fa7243f5"),
    "stack_manipulation": (1, "c305221e09e00b40"),
}


@st.composite
def probes_and_lengths(draw):
    probe = make_probe(draw(st.sampled_from(NAMES)))
    return probe, probe.step * draw(st.integers(-(-probe.least // probe.step), 120 // probe.step))


@repeatable
@given(probes_and_lengths(), st.sampled_from(["train", "dev", "test"]), st.integers(0, 2**40))
def test_oracle_agrees_with_the_generator(case, split, seed):
    probe, length = case
    items = probe.generate(2, split, {"length": length}, seed)
    assert len(items) == 2
    for item in items:
        queries = len(item.tokens) - length
        assert item.tokens[length:] == (QUERY,) * queries
        assert item.targets == tuple(range(length, length + queries))
        assert queries
        assert set(item.tokens[:length]) <= set(probe.symbols)
        assert {item.labels[target] for target in item.targets} <= set(probe.labels)
        assert probe.oracle(item.tokens) == list(item.labels)
        assert item.factors == {"length": length}


@pytest.mark.parametrize(
    ("name", "string", "answer"),
    [
        ("reverse", "a b b", "b b a"),
        ("duplicate", "a b b", "a b b a b b"),
        ("missing_duplicate", "a b b a _ b", "b"),
        ("missing_duplicate", "_ a", "a"),
        ("odds_first", "a b b a a", "a b a b a"),
        ("bucket_sort", "c a e a", "a a c e"),
        ("stack_manipulation", "a b pop push_a", "a a end"),
        ("stack_manipulation", "a pop pop push_b", "b end"),
        ("stack_manipulation", "a pop pop", "end"),
        ("solve_equation", "( two minus ( minus z ) ) equals four", "2"),
        ("solve_equation", "( z ) equals three", "3"),
        ("binary_addition", "one one plus one", "zero zero one"),
        ("binary_addition", "one plus zero one one", "one one one zero"),
        ("binary_multiplication", "one one times zero one", "zero one one zero"),
        ("square_root", "zero one zero one", "one one"),
        ("square_root", "one zero zero one", "one one"),
        ("square_root", "zero zero zero zero one", "zero zero one"),
    ],
)
def test_answers_by_hand(name, string, answer):
    probe = make_probe(name)
    tokens = string.split()
    expected = answer.split()
    labels = probe.oracle([*tokens, *[QUERY] * len(expected)])
    assert labels == [None] * len(tokens) + expected


@every_probe
def test_the_seed_determines_the_items(name):
    check_seed(make_probe(name), {"length": 40})


@every_probe
def test_generated_items_are_unchanged(name):
    """If this fails because the probe generates other items now, raise its version."""
    probe = make_probe(name)
    assert (probe.version, digest([probe])) == DIGESTS[name]


@every_probe
def test_grids_and_training_ranges_are_possible(name):
    probe = make_probe(name)
    assert [f["length"] for f in probe.grid()] == list(probe.evaluation["length"])
    assert all(probe.possible({"length": length}) for length in probe.training["length"])
    assert probe.training["length"][0] == probe.least
    assert probe.baselines() == {}


@pytest.mark.parametrize("name", ["reverse", "duplicate", "missing_duplicate", "odds_first"])
def test_labels_are_equally_frequent(name):
    items = make_probe(name).generate(2000, "train", {"length": 10}, 2)
    for target in range(len(items[0].targets)):
        count = sum(item.labels[item.targets[target]] == "a" for item in items)
        assert abs(count - 1000) < 110


def test_the_solution_of_an_equation_is_uniform():
    items = make_probe("solve_equation").generate(2000, "train", {"length": 19}, 2)
    counts = Counter(item.labels[item.targets[0]] for item in items)
    assert all(abs(count - 400) < 80 for count in counts.values())
    assert len(counts) == 5


@pytest.mark.parametrize(
    ("name", "tokens", "message"),
    [
        ("reverse", "a c ? ?", "unknown symbol 'c' at token 2; known: a, b"),
        ("reverse", "a b ?", "expected 2 times . after 2 symbols, not '[?]'"),
        ("reverse", "a ? a", "expected 1 times"),
        ("missing_duplicate", "a b a b ?", "two halves with one _"),
        ("missing_duplicate", "a _ b ?", "two halves with one _"),
        ("stack_manipulation", "a pop b ? ?", "a symbol of the stack follows an action"),
        ("stack_manipulation", "a push_c ? ?", "did you mean 'push_"),
        ("binary_addition", "one plus ? ?", "two numbers joined by plus"),
        ("binary_addition", "? ?", "the string is empty"),
        ("binary_multiplication", "one one ? ?", "two numbers joined by times"),
        ("solve_equation", "( one ) equals one ?", "one z, equals, digit"),
        ("solve_equation", "( z one equals one ?", "not an expression in brackets"),
        ("solve_equation", "equals ?", "one z, equals, digit"),
        ("square_root", "?", "the string is empty"),
    ],
)
def test_what_is_not_an_item_is_refused(name, tokens, message):
    with pytest.raises(InputError, match=message):
        make_probe(name).oracle(tokens.split())


@pytest.mark.parametrize(
    ("name", "length", "message"),
    [
        ("reverse", 0, "the least length is 1"),
        ("binary_addition", 2, "the least length is 3"),
        ("missing_duplicate", 7, "the length must be a multiple of 2"),
    ],
)
def test_impossible_lengths_are_refused(name, length, message):
    with pytest.raises(InputError, match=message):
        make_probe(name).generate(1, "train", {"length": length}, 0)


@every_probe
@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.data())
def test_random_tokens_give_labels_or_an_input_error(name, data):
    probe = make_probe(name)
    words = st.sampled_from([*probe.symbols, QUERY, "x"])
    try:
        labels = probe.oracle(data.draw(st.lists(words, max_size=8)))
    except InputError:
        return
    assert {label for label in labels if label is not None} <= set(probe.labels)
