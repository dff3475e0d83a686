"""From plans to sentences: exact lengths, the planned persons, the templates."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.lexicon import GENDERS
from seqtag.probes.parsing import GENDER_OF, analyse
from seqtag.probes.sentences import MODIFIERS, OPENINGS, Plan, is_held_out, room, write

genders = st.sampled_from(GENDERS)


@st.composite
def plans(draw):
    depth = draw(st.integers(0, 3))
    distance = draw(st.integers(3 + 4 * depth, 60))
    switches = draw(st.integers(0, 3))
    return Plan(
        front=draw(st.lists(genders, max_size=2)),
        subjects=draw(st.lists(genders, min_size=switches + 1, max_size=switches + 1)),
        between=[draw(st.lists(genders, max_size=3)) for _ in range(switches)],
        behind=draw(st.lists(genders, max_size=room(distance, depth))),
        distance=distance,
        depth=depth,
    )


@settings(derandomize=True, deadline=None, max_examples=100)
@given(plans(), st.integers(0, 2**32), st.booleans(), st.sampled_from(["training", "held-out"]))
def test_a_sentence_is_as_planned(plan, seed, held_out, lexicon):
    tokens, heads, template = write(Random(seed).random, plan, lexicon, held_out)
    found = analyse(tokens)
    assert found.subjects == heads
    assert found.pronoun - heads[-1] - 1 == plan.distance
    assert found.depth == plan.depth
    assert [GENDER_OF[tokens[i]] for i in heads] == plan.subjects
    planned = list(plan.front)
    for clause in (*plan.between, plan.behind):
        planned += clause
    assert [GENDER_OF[tokens[i]] for i in found.others] == planned
    assert is_held_out(*template.split("+")) == held_out


def test_plans_stay_as_they_were():
    plan = Plan(["M"], ["F", "M"], [["PL", "M"]], ["F"], 12, 1)
    write(Random(0).random, plan, "training", False)
    assert plan == Plan(["M"], ["F", "M"], [["PL", "M"]], ["F"], 12, 1)


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
