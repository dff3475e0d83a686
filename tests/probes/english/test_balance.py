"""Choice of persons: numbers and order as requested, and all forms treated alike."""

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
def cast_arguments(draw):
    """Draw the arguments of `cast` except the source of random numbers."""
    forms = draw(st.sampled_from([GENDERS, NUMBERS]))
    attractors, switches = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    # With two forms the subjects alternate, so that the switches would fix the first form.
    if forms == NUMBERS:
        switches = 0
    return {
        "case": draw(st.sampled_from(cases(attractors, switches, forms))),
        "attractors": attractors,
        "switches": switches,
        "max_after": draw(st.integers(attractors, 20)),
        "forms": forms,
        "echoes": draw(st.sampled_from([(0, 0), (0, 2), (1, 1), (1, 9)])),
    }


@repeatable
@given(cast_arguments(), st.integers(0, 2**32))
def test_a_cast_fulfils_its_arguments(arguments, seed):
    persons = cast(Random(seed).random, **arguments)
    label, first, last = arguments["case"]
    others = [*persons.before, *(form for part in persons.between for form in part), *persons.after]
    order = list(persons.before)
    for subject, part in zip(persons.subjects, [*persons.between, persons.after], strict=True):
        order += [subject, *part]
    assert (persons.subjects[-1], order[0], order[-1]) == (label, first, last)
    assert sum(form != label for form in others) == arguments["attractors"]
    assert len(persons.subjects) == arguments["switches"] + 1
    assert all(one != next_one for one, next_one in pairwise(persons.subjects))
    assert len(persons.after) <= arguments["max_after"]
    # A person of the label's form in last position does not count as an echo.
    fewest, most = arguments["echoes"]
    free = arguments["max_after"] - len(persons.after)
    assert min(fewest, free) <= persons.after.count(label) <= most + (last == label)


@repeatable
@given(cast_arguments(), st.integers(0, 2**32))
def test_forms_are_interchangeable(arguments, seed):
    """With permuted forms the cast is the same, with its forms permuted."""
    forms = arguments["forms"]
    permuted = dict(zip(forms, (*forms[1:], forms[0]), strict=True))
    permuted_arguments = arguments | {
        "case": tuple(permuted[form] for form in arguments["case"]),
        "forms": tuple(permuted[form] for form in forms),
    }
    one = cast(Random(seed).random, **arguments)
    other = cast(Random(seed).random, **permuted_arguments)
    assert other == Cast(
        [permuted[form] for form in one.before],
        [permuted[form] for form in one.subjects],
        [[permuted[form] for form in part] for part in one.between],
        [permuted[form] for form in one.after],
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
    # No more persons mislead than there are attractors and switches.
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
