"""Who appears: as many as asked for, in the right places, and no form treated unlike another."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.english.balance import Cast, cases, cast, contrast
from seqtag.probes.english.lexicon import GENDERS, NUMBERS

repeatable = settings(derandomize=True, deadline=None, max_examples=200)


@st.composite
def asked_for(draw):
    """Draw the arguments of `cast` but the source of chance."""
    forms = draw(st.sampled_from([GENDERS, NUMBERS]))
    attractors, switches = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    # With two numbers the subjects take turns, so `first` is what the switches make it.
    if forms == NUMBERS:
        switches = 0
    return {
        "case": draw(st.sampled_from(cases(attractors, switches, forms))),
        "attractors": attractors,
        "switches": switches,
        "room": draw(st.integers(attractors, 20)),
        "forms": forms,
        "echoes": draw(st.sampled_from([(0, 0), (0, 2), (1, 1), (1, 9)])),
    }


@repeatable
@given(asked_for(), st.integers(0, 2**32))
def test_a_cast_is_as_asked_for(asked, seed):
    made = cast(Random(seed).random, **asked)
    label, first, last = asked["case"]
    others = [*made.front, *(form for part in made.between for form in part), *made.behind]
    order = list(made.front)
    for subject, part in zip(made.subjects, [*made.between, made.behind], strict=True):
        order += [subject, *part]
    assert (made.subjects[-1], order[0], order[-1]) == (label, first, last)
    assert sum(form != label for form in others) == asked["attractors"]
    assert len(made.subjects) == asked["switches"] + 1
    assert all(one != next_one for one, next_one in pairwise(made.subjects))
    assert len(made.behind) <= asked["room"]
    # One that comes last is not reckoned among the echoes.
    fewest, most = asked["echoes"]
    left = asked["room"] - len(made.behind)
    assert min(fewest, left) <= made.behind.count(label) <= most + (last == label)


@repeatable
@given(asked_for(), st.integers(0, 2**32))
def test_forms_are_names_and_no_more(asked, seed):
    """With the forms renamed the same persons appear under their new names."""
    forms = asked["forms"]
    new = dict(zip(forms, (*forms[1:], forms[0]), strict=True))
    renamed = asked | {
        "case": tuple(new[form] for form in asked["case"]),
        "forms": tuple(new[form] for form in forms),
    }
    one = cast(Random(seed).random, **asked)
    other = cast(Random(seed).random, **renamed)
    assert other == Cast(
        [new[form] for form in one.front],
        [new[form] for form in one.subjects],
        [[new[form] for form in part] for part in one.between],
        [new[form] for form in one.behind],
    )


@pytest.mark.parametrize("forms", [GENDERS, NUMBERS])
@pytest.mark.parametrize(("attractors", "switches"), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)])
def test_cases_are_balanced(attractors, switches, forms):
    every = cases(attractors, switches, forms)
    n = len(forms)
    assert len(every) == len(set(every))
    for which in range(3):
        assert set(Counter(case[which] for case in every).values()) == {len(every) // n}
    if attractors > 1 or (attractors and switches):
        assert len(every) == n**3
    # Nobody misleads who is not there.
    for label, *ends in every:
        assert sum(form != label for form in ends) <= attractors + switches


@pytest.mark.parametrize(
    ("case", "misleads"),
    [
        (("M", "M", "M"), "congruent"),
        (("M", "F", "M"), "first"),
        (("M", "M", "PL"), "last"),
        (("M", "F", "F"), "incongruent"),
        (("M", "F", "PL"), "incongruent"),
    ],
)
def test_contrast(case, misleads):
    assert contrast(case) == misleads
