"""Sentences of the pronoun probe: exact lengths, the given persons, the templates."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.english.balance import Cast
from seqtag.probes.english.lexicon import GENDER_OF, GENDERS
from seqtag.probes.english.parsing import analyse
from seqtag.probes.english.sentences import MODIFIERS, OPENINGS, is_held_out, max_persons, write

genders = st.sampled_from(GENDERS)
repeatable = settings(derandomize=True, deadline=None, max_examples=100)
NEXT_GENDER = {"M": "F", "F": "PL", "PL": "M"}


@st.composite
def casts_and_sizes(draw):
    """Draw persons, and a distance and depth that they fit into."""
    depth = draw(st.integers(0, 3))
    distance = draw(st.integers(3 + 4 * depth, 60))
    switches = draw(st.integers(0, 3))
    cast = Cast(
        before=draw(st.lists(genders, max_size=2)),
        subjects=draw(st.lists(genders, min_size=switches + 1, max_size=switches + 1)),
        between=[draw(st.lists(genders, max_size=3)) for _ in range(switches)],
        after=draw(st.lists(genders, max_size=max_persons(distance, depth))),
    )
    return cast, distance, depth


@repeatable
@given(
    casts_and_sizes(),
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from(["training", "held-out"]),
)
def test_a_sentence_has_the_given_persons_and_factors(cast_and_size, seed, held_out, lexicon):
    cast, distance, depth = cast_and_size
    tokens, heads, template = write(Random(seed).random, *cast_and_size, lexicon, held_out)
    analysis = analyse(tokens)
    assert analysis.subjects == heads
    assert analysis.target - heads[-1] - 1 == distance
    assert analysis.depth == depth
    assert [GENDER_OF[tokens[i]] for i in heads] == cast.subjects
    others = list(cast.before)
    for clause in (*cast.between, cast.after):
        others += clause
    assert [GENDER_OF[tokens[i]] for i in analysis.others] == others
    assert is_held_out(*template.split("+")) == held_out


@repeatable
@given(casts_and_sizes(), st.integers(0, 2**32), st.booleans())
def test_other_genders_change_only_the_persons(shape, cast_and_size, seed, held_out):
    """The other tokens do not depend on any gender, so they cannot reveal the label."""
    cast, distance, depth = cast_and_size
    permuted = Cast(
        *([NEXT_GENDER[gender] for gender in part] for part in (cast.before, cast.subjects)),
        [[NEXT_GENDER[gender] for gender in clause] for clause in cast.between],
        [NEXT_GENDER[gender] for gender in cast.after],
    )
    one, other = (
        write(Random(seed).random, persons, distance, depth, "training", held_out, names=False)
        for persons in (cast, permuted)
    )
    assert one[1:] == other[1:]
    assert shape(one[0]) == shape(other[0])


def test_write_does_not_change_its_cast():
    cast = Cast(["M"], ["F", "M"], [["PL", "M"]], ["F"])
    write(Random(0).random, cast, 12, 1, "training", False)
    assert cast == Cast(["M"], ["F", "M"], [["PL", "M"]], ["F"])


@pytest.mark.parametrize(
    ("distance", "depth", "persons"),
    [(2, 0, -1), (3, 0, 0), (4, 0, 0), (5, 0, 1), (8, 0, 2), (6, 1, -1), (7, 1, 1), (20, 0, 6)],
)
def test_max_persons(distance, depth, persons):
    assert max_persons(distance, depth) == persons


def test_every_opening_and_modifier_occurs_in_training():
    training = [pair for pair in product(OPENINGS, MODIFIERS) if not is_held_out(*pair)]
    assert len(training) == 6
    assert {opening for opening, _ in training} == set(OPENINGS)
    assert {modifier for _, modifier in training} == set(MODIFIERS)
