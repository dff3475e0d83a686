"""Counterbalanced persons: every reader of forms is right in one third of each block."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice, pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.english.counterbalance import BLOCK, MAX_BEFORE, arrangements, casts, persons_of
from seqtag.probes.english.lexicon import GENDERS

repeatable = settings(derandomize=True, deadline=None, max_examples=40)
# Rivals, switches and room of combinations that can be balanced.
BALANCED = ((2, 0, 2), (2, 0, 9), (4, 0, 3), (4, 0, 9), (4, 1, 3), (4, 2, 6), (6, 0, 6), (6, 5, 4))


def order(cast):
    """Return the forms of all persons in order."""
    forms = list(cast.before)
    for subject, others in zip(cast.subjects, [*cast.between, cast.after], strict=True):
        forms += [subject, *others]
    return forms


def most(forms, ties):
    counts = Counter(forms)
    return next(form for form in ties(forms) if counts[form] == max(counts.values()))


READERS = {
    "first": lambda forms: forms[0],
    "second": lambda forms: forms[1],
    "last but one": lambda forms: forms[-2],
    "last": lambda forms: forms[-1],
    "most frequent, ties to the last": lambda forms: most(forms, reversed),
    "most frequent, ties to the first": lambda forms: most(forms, iter),
    "most frequent, ties by name": lambda forms: most(forms, sorted),
    "least frequent": lambda forms: min(GENDERS, key=forms.count),
    "number": lambda forms: GENDERS[len(forms) % 3],
    **{form: lambda forms, form=form: form for form in GENDERS},
}


@repeatable
@given(st.sampled_from(BALANCED), st.integers(0, 2**32))
def test_in_a_block_every_reader_is_right_in_one_third(cell, seed):
    block = list(casts(Random(seed).random, BLOCK, *cell))
    right = Counter(
        name
        for cast in block
        for name, read in READERS.items()
        if read(order(cast)) == cast.subjects[-1]
    )
    assert right == dict.fromkeys(READERS, BLOCK // 3)


@repeatable
@given(st.sampled_from(BALANCED), st.integers(0, 2**32))
def test_casts_have_the_numbers_of_their_cell(cell, seed):
    rivals, switches, room = cell
    for cast in casts(Random(seed).random, 30, *cell):
        forms = order(cast)
        label = cast.subjects[-1]
        assert Counter(forms) == dict.fromkeys(GENDERS, rivals // 2)
        assert len(forms) == persons_of(rivals)
        assert sum(form != label for form in forms) == rivals
        assert len(cast.subjects) == switches + 1 == len(cast.between) + 1
        assert all(a != b for a, b in pairwise(cast.subjects))
        assert len(cast.before) <= MAX_BEFORE
        assert (rivals > 2) <= len(cast.after) <= room


def admits(letters, label, switches, room):
    """Return whether the subjects can be placed, by dynamic programming over the persons."""
    size = len(letters)
    reach = [set() for _ in range(switches + 1)]
    for place, letter in enumerate(letters):
        behind = size - 1 - place
        can_be_last = letter == label and behind <= room and (size == 3 or behind > 0)
        if can_be_last and (reach[switches] - {label} if switches else place <= MAX_BEFORE):
            return True
        for number in range(switches, 1, -1):
            if reach[number - 1] - {letter}:
                reach[number].add(letter)
        if switches and place <= MAX_BEFORE:
            reach[1].add(letter)
    return False


@pytest.mark.parametrize("rivals", [2, 4])
@pytest.mark.parametrize("switches", [0, 1, 2, 3])
@pytest.mark.parametrize("room", [1, 2, 3, 5])
def test_all_arrangements_are_found(rivals, switches, room):
    """Enumerate all orders of letters, not up to renaming, and place the subjects otherwise."""
    each = rivals // 2
    expected = set()
    for zeros in combinations(range(3 * each), each):
        rest = [place for place in range(3 * each) if place not in zeros]
        for ones in combinations(rest, each):
            letters = tuple(0 if p in zeros else 1 if p in ones else 2 for p in range(3 * each))
            if all(admits(letters, label, switches, room) for label in range(3)):
                expected.add(letters)
    found = {found.letters for found in arrangements(rivals, switches, room)}
    named = {tuple(naming[i] for i in w) for w in found for naming in permutations(range(3))}
    assert named == expected
    assert len(named) == 6 * len(found)


@pytest.mark.parametrize(("rivals", "share"), [(0, 1), (1, 1 / 2)])
def test_without_enough_rivals_first_and_last_are_at_the_floor(rivals, share):
    drawn = list(casts(Random(3).random, 36, rivals, 0, 5))
    for place in (0, -1):
        assert sum(order(cast)[place] == cast.subjects[-1] for cast in drawn) == 36 * share
    assert Counter(cast.subjects[-1] for cast in drawn) == dict.fromkeys(GENDERS, 12)
    assert {len(order(cast)) for cast in drawn} == {persons_of(rivals)}


def test_fewer_casts_are_a_prefix_of_more():
    first, second = (list(casts(Random(5).random, n, 4, 1, 4)) for n in (40, 25))
    assert first[:25] == second
    assert list(islice(casts(Random(5).random, 10**9, 4, 1, 4), 40)) == first
