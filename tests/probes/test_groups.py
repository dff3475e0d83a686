"""Word problems: groups, oracle against generator, uniform labels."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import digest

from seqtag.errors import InputError
from seqtag.probes.groups import GROUPS, WordProblem, group_of

PROBES = {name: WordProblem(name) for name in GROUPS}
SIZES = {"s3": 6, "a5": 60, "s5": 120, "z60": 60}
repeatable = settings(derandomize=True, deadline=None, max_examples=40)


@pytest.mark.parametrize("name", GROUPS)
def test_tables_are_those_of_groups(name):
    names, table = group_of(name)
    assert len(names) == len(set(names)) == len(table) == SIZES[name]
    every = set(range(len(names)))
    assert list(table[0]) == [row[0] for row in table] == sorted(every)
    assert all(set(row) == every for row in table)
    assert all(set(column) == every for column in zip(*table, strict=True))


@repeatable
@given(st.sampled_from(tuple(GROUPS)), st.data())
def test_products_are_associative(name, data):
    _, table = group_of(name)
    a, b, c = (data.draw(st.integers(0, len(table) - 1)) for _ in range(3))
    assert table[table[a][b]][c] == table[a][table[b][c]]


def commutes(name):
    _, table = group_of(name)
    return all(table[a][b] == table[b][a] for a in range(len(table)) for b in range(a))


def derived_series(name):
    """Return the sizes of the commutator subgroups of a group, until they no longer shrink."""
    _, table = group_of(name)
    inverse = [row.index(0) for row in table]
    sizes, members = [], set(range(len(table)))
    while not sizes or len(members) < sizes[-1]:
        sizes.append(len(members))
        found = {
            table[table[a][b]][table[inverse[a]][inverse[b]]] for a in members for b in members
        }
        while (closed := {table[a][b] for a in found for b in found}) != found:
            found = closed
        members = found
    return sizes


def test_which_groups_commute_and_which_are_solvable():
    assert [name for name in GROUPS if commutes(name)] == ["z60"]
    assert derived_series("s3") == [6, 3, 1]
    assert derived_series("a5") == [60]
    assert derived_series("s5") == [120, 60]
    assert derived_series("z60") == [60, 1]


@repeatable
@given(
    st.sampled_from(tuple(PROBES.values())),
    st.integers(1, 60),
    st.sampled_from(("train", "dev", "test")),
    st.integers(0, 2**40),
)
def test_oracle_agrees_with_the_generator(probe, length, split, seed):
    for item in probe.generate(2, split, {"length": length}, seed):
        assert len(item.tokens) == length
        assert probe.oracle(item.tokens) == list(item.labels)
        assert item.targets == item.cue_positions == tuple(range(length))


@pytest.mark.parametrize(
    ("name", "tokens", "labels"),
    [
        ("s3", "bac cba abc", "bac cab cab"),
        ("a5", "bcade abcde cabde", "bcade bcade abcde"),
        ("z60", "fj ab ba", "fj aa ba"),
    ],
)
def test_the_oracle_agrees_with_labels_by_hand(name, tokens, labels):
    assert PROBES[name].oracle(tokens.split()) == labels.split()


def test_labels_are_uniform_at_every_position():
    items = PROBES["s3"].generate(3000, "train", {"length": 12}, 2)
    for position in (0, 5, 11):
        counts = Counter(item.labels[position] for item in items)
        assert len(counts) == 6
        assert all(abs(count - 500) < 100 for count in counts.values())


def test_generated_items_are_unchanged():
    """If this fails because the probe generates other items now, raise `WordProblem.version`."""
    assert WordProblem.version == 1
    assert digest(PROBES.values()) == "0b07197daafddb35"


def test_wrong_arguments():
    with pytest.raises(InputError, match="word_s3: no item has length 0: the least length is 1"):
        PROBES["s3"].generate(1, "train", {"length": 0}, 0)
    with pytest.raises(InputError, match="unknown group 's6'; known: s3, a5"):
        WordProblem("s6")
    with pytest.raises(InputError, match="word_a5: unknown element 'bcaed'"):  # it is odd
        PROBES["a5"].oracle(["abcde", "bcaed"])
    assert PROBES["a5"].chance({"length": 7}) == 1 / 60
