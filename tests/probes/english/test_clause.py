"""The subject of one clause: exact lengths, the persons asked for, the templates."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.clause import HELD_OUT, MODIFIERS, OPENINGS, room, write
from seqtag.probes.english.parsing import PERSONS, analyse_clause
from seqtag.probes.english.phrases import Phrases

numbers = st.sampled_from(lex.NUMBERS)
repeatable = settings(derandomize=True, deadline=None, max_examples=200)
TRAINING, HELD_OUT_WORDS = lex.BY_NUMBER.values()


@st.composite
def given_persons(draw):
    """Draw who appears and a size that has room for them."""
    size = draw(st.integers(0, 60))
    cast = Cast(
        front=draw(st.lists(numbers, max_size=3)),
        subjects=draw(st.lists(numbers, min_size=1, max_size=1)),
        between=[],
        behind=draw(st.lists(numbers, max_size=room(size))),
    )
    return cast, size


def subject_of(cast, size, seed, held_out, subjects=TRAINING):
    phrases = Phrases(Random(seed).random, TRAINING, names=False)
    return write(phrases, cast, size, subjects, held_out)


@repeatable
@given(given_persons(), st.integers(0, 2**32), st.booleans())
def test_a_clause_is_as_asked_for(persons, seed, held_out):
    cast, size = persons
    tokens, head, template = subject_of(*persons, seed, held_out)
    assert len(tokens) - head - 1 == size
    found = analyse_clause([*tokens, "VERB"])
    assert found.subjects == [head]
    opening, _ = template.split("+")
    front = cast.front or cast.subjects * (opening != "none")
    assert [lex.NUMBER_OF[tokens[i]] for i in found.others] == [*front, *cast.behind]
    assert lex.NUMBER_OF[tokens[head]] == cast.subjects[0]
    assert (template in HELD_OUT) == held_out
    assert not set(tokens) & {*lex.THINGS}


@repeatable
@given(given_persons(), st.integers(0, 2**32), st.booleans())
def test_other_numbers_change_the_persons_and_nothing_else(shape, persons, seed, held_out):
    cast, size = persons
    turn = {"SG": "PL", "PL": "SG"}
    parts = (cast.front, cast.subjects, cast.between, cast.behind)
    turned = Cast(*([turn[number] for number in part] for part in parts))
    one, other = (subject_of(who, size, seed, held_out) for who in (cast, turned))
    assert one[1:] == other[1:]
    assert shape(one[0]) == shape(other[0])


def test_only_the_subject_is_of_the_subjects_lexicon():
    cast = Cast(["PL", "SG"], ["SG"], [], ["PL", "SG", "PL"])
    for seed in range(50):
        tokens, head, _ = subject_of(cast, 15, seed, False, HELD_OUT_WORDS)
        known = {noun for persons in TRAINING.values() for noun in persons.nouns}
        assert {token for token in tokens if token in PERSONS} - known == {tokens[head]}


def test_every_template_comes():
    seen = {True: set(), False: set()}
    for held_out, behind, seed in product((True, False), ([], ["SG"]), range(100)):
        for size in (0, 9):
            cast = Cast([], ["PL"], [], behind[: room(size)])
            seen[held_out].add(subject_of(cast, size, seed, held_out)[2])
    assert seen[True] == HELD_OUT
    pairs = {f"{opening}+{modifier}" for opening, modifier in product(OPENINGS, MODIFIERS)}
    assert seen[False] == pairs - HELD_OUT
    # Training has every opening, and every modifier.
    assert {template.split("+")[0] for template in seen[False]} == set(OPENINGS)
    assert {template.split("+")[1] for template in seen[False]} == set(MODIFIERS)


@pytest.mark.parametrize(("size", "persons"), [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2), (20, 6)])
def test_room(size, persons):
    assert room(size) == persons
