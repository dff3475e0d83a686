"""From who appears to sentences: exact lengths, the persons asked for, the templates."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.english.balance import Cast
from seqtag.probes.english.lexicon import GENDER_OF, GENDERS
from seqtag.probes.english.parsing import analyse
from seqtag.probes.english.sentences import MODIFIERS, OPENINGS, is_held_out, room, write

genders = st.sampled_from(GENDERS)
repeatable = settings(derandomize=True, deadline=None, max_examples=100)
TURN = {"M": "F", "F": "PL", "PL": "M"}


@st.composite
def given_persons(draw):
    """Draw who appears, a distance and a depth that has room for them."""
    depth = draw(st.integers(0, 3))
    distance = draw(st.integers(3 + 4 * depth, 60))
    switches = draw(st.integers(0, 3))
    cast = Cast(
        front=draw(st.lists(genders, max_size=2)),
        subjects=draw(st.lists(genders, min_size=switches + 1, max_size=switches + 1)),
        between=[draw(st.lists(genders, max_size=3)) for _ in range(switches)],
        behind=draw(st.lists(genders, max_size=room(distance, depth))),
    )
    return cast, distance, depth


@repeatable
@given(
    given_persons(), st.integers(0, 2**32), st.booleans(), st.sampled_from(["training", "held-out"])
)
def test_a_sentence_is_as_asked_for(persons, seed, held_out, lexicon):
    cast, distance, depth = persons
    tokens, heads, template = write(Random(seed).random, *persons, lexicon, held_out)
    found = analyse(tokens)
    assert found.subjects == heads
    assert found.target - heads[-1] - 1 == distance
    assert found.depth == depth
    assert [GENDER_OF[tokens[i]] for i in heads] == cast.subjects
    others = list(cast.front)
    for clause in (*cast.between, cast.behind):
        others += clause
    assert [GENDER_OF[tokens[i]] for i in found.others] == others
    assert is_held_out(*template.split("+")) == held_out


@repeatable
@given(given_persons(), st.integers(0, 2**32), st.booleans())
def test_other_genders_change_the_persons_and_nothing_else(shape, persons, seed, held_out):
    """What is drawn beside the persons depends on no gender, so it cannot tell the label."""
    cast, distance, depth = persons
    turned = Cast(
        *([TURN[gender] for gender in part] for part in (cast.front, cast.subjects)),
        [[TURN[gender] for gender in clause] for clause in cast.between],
        [TURN[gender] for gender in cast.behind],
    )
    one, other = (
        write(Random(seed).random, who, distance, depth, "training", held_out, names=False)
        for who in (cast, turned)
    )
    assert one[1:] == other[1:]
    assert shape(one[0]) == shape(other[0])


def test_who_appears_stays_as_it_was():
    cast = Cast(["M"], ["F", "M"], [["PL", "M"]], ["F"])
    write(Random(0).random, cast, 12, 1, "training", False)
    assert cast == Cast(["M"], ["F", "M"], [["PL", "M"]], ["F"])


@pytest.mark.parametrize(
    ("distance", "depth", "persons"),
    [(2, 0, -1), (3, 0, 0), (4, 0, 0), (5, 0, 1), (8, 0, 2), (6, 1, -1), (7, 1, 1), (20, 0, 6)],
)
def test_room(distance, depth, persons):
    assert room(distance, depth) == persons


def test_every_part_of_a_template_is_in_training_and_held_out():
    seen = [pair for pair in product(OPENINGS, MODIFIERS) if not is_held_out(*pair)]
    assert len(seen) == 6
    assert {opening for opening, _ in seen} == set(OPENINGS)
    assert {modifier for _, modifier in seen} == set(MODIFIERS)
