"""Clauses up to the predicate: exact lengths, the given persons, the templates."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.clause import HELD_OUT, MODIFIERS, OPENINGS, max_persons, write
from seqtag.probes.english.parsing import PERSONS, analyse_clause
from seqtag.probes.english.phrases import Phrases

numbers = st.sampled_from(lex.NUMBERS)
repeatable = settings(derandomize=True, deadline=None, max_examples=200)
TRAINING, HELD_OUT_WORDS = lex.BY_NUMBER.values()


@st.composite
def casts_and_sizes(draw):
    """Draw persons and a size that they fit into."""
    size = draw(st.integers(0, 60))
    cast = Cast(
        before=draw(st.lists(numbers, max_size=3)),
        subjects=draw(st.lists(numbers, min_size=1, max_size=1)),
        between=[],
        after=draw(st.lists(numbers, max_size=max_persons(size))),
    )
    return cast, size


def write_clause(cast, size, seed, held_out, subjects=TRAINING):
    phrases = Phrases(Random(seed).random, TRAINING, names=False)
    return write(phrases, cast, size, subjects, held_out)


@repeatable
@given(casts_and_sizes(), st.integers(0, 2**32), st.booleans())
def test_a_clause_has_the_given_persons_and_size(cast_and_size, seed, held_out):
    cast, size = cast_and_size
    tokens, head, template = write_clause(cast, size, seed, held_out)
    assert len(tokens) - head - 1 == size
    analysis = analyse_clause([*tokens, "VERB"])
    assert analysis.subjects == [head]
    opening, _ = template.split("+")
    before = cast.before or cast.subjects * (opening != "none")
    assert [lex.NUMBER_OF[tokens[i]] for i in analysis.others] == [*before, *cast.after]
    assert lex.NUMBER_OF[tokens[head]] == cast.subjects[0]
    assert (template in HELD_OUT) == held_out
    assert not set(tokens) & {*lex.THINGS}


@repeatable
@given(casts_and_sizes(), st.integers(0, 2**32), st.booleans())
def test_other_numbers_change_only_the_persons(shape, cast_and_size, seed, held_out):
    cast, size = cast_and_size
    swap = {"SG": "PL", "PL": "SG"}
    parts = (cast.before, cast.subjects, cast.between, cast.after)
    swapped = Cast(*([swap[number] for number in part] for part in parts))
    one, other = (write_clause(persons, size, seed, held_out) for persons in (cast, swapped))
    assert one[1:] == other[1:]
    assert shape(one[0]) == shape(other[0])


def test_only_the_subject_is_from_the_lexicon_of_subjects():
    cast = Cast(["PL", "SG"], ["SG"], [], ["PL", "SG", "PL"])
    for seed in range(50):
        tokens, head, _ = write_clause(cast, 15, seed, False, HELD_OUT_WORDS)
        known = {noun for persons in TRAINING.values() for noun in persons.nouns}
        assert {token for token in tokens if token in PERSONS} - known == {tokens[head]}


def test_every_template_occurs():
    seen = {True: set(), False: set()}
    for held_out, after, seed in product((True, False), ([], ["SG"]), range(100)):
        for size in (0, 9):
            cast = Cast([], ["PL"], [], after[: max_persons(size)])
            seen[held_out].add(write_clause(cast, size, seed, held_out)[2])
    assert seen[True] == HELD_OUT
    pairs = {f"{opening}+{modifier}" for opening, modifier in product(OPENINGS, MODIFIERS)}
    assert seen[False] == pairs - HELD_OUT
    # Every opening and every modifier occurs in training.
    assert {template.split("+")[0] for template in seen[False]} == set(OPENINGS)
    assert {template.split("+")[1] for template in seen[False]} == set(MODIFIERS)


@pytest.mark.parametrize(("size", "persons"), [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2), (20, 6)])
def test_max_persons(size, persons):
    assert max_persons(size) == persons
