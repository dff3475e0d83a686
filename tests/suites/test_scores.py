"""Scores of a suite, against values computed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.suites import scores
from seqtag.suites.pairs import Pair
from seqtag.suites.scores import Judgement

PAIR = Pair(("Olga", "PRON"), 1, "F", "M", "her", "him", (0,), "group", "0", "file:1")


def judged(gold: str, foil: str, name: str = "0", **p: float) -> Judgement:
    return Judgement(replace(PAIR, gold=gold, foil=foil, pair=name), p, True)


def test_pairwise_and_argmax_differ_where_a_third_label_wins():
    judgement = judged("F", "M", F=0.3, M=0.1, PL=0.6)
    assert judgement.right
    assert judgement.predicted == "PL"


def test_equal_probabilities_are_not_right():
    assert not judged("F", "M", F=0.5, M=0.5).right


def test_both_sides_must_be_right():
    sides = [
        judged("SG", "PL", "a", SG=0.9, PL=0.1),
        judged("PL", "SG", "a", SG=0.2, PL=0.8),
        judged("SG", "PL", "b", SG=0.9, PL=0.1),
        judged("PL", "SG", "b", SG=0.9, PL=0.1),
        judged("SG", "PL", "alone", SG=0.9, PL=0.1),
    ]
    assert scores.both_sides(sides) == 0.5
    assert scores.both_sides(sides[4:]) is None


def test_a_preference_without_context_scores_zero_on_both_sides():
    sides = [judged(g, f, n, SG=0.6, PL=0.4) for n in "ab" for g, f in (("SG", "PL"), ("PL", "SG"))]
    assert scores.both_sides(sides) == 0.0


def test_the_ceiling_prefers_the_class_of_a_pair_that_is_more_often_good():
    counts = {("F", "M"): 3, ("M", "F"): 1, ("F", "N"): 4, ("N", "M"): 1, ("M", "N"): 1}
    pairs = [replace(PAIR, gold=g, foil=f) for (g, f), n in counts.items() for _ in range(n)]
    assert scores.ceiling(pairs) == (3 + 4 + 1) / 10
    assert scores.ceiling([]) is None


@given(st.lists(st.permutations(["M", "F", "PL"]), min_size=1, max_size=30), st.permutations("MFP"))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_no_ranking_of_the_classes_exceeds_the_ceiling(drawn, ranking):
    pairs = [replace(PAIR, gold=gold[0], foil=foil[0]) for gold, foil, _ in drawn]
    rights = [ranking.index(pair.gold) < ranking.index(pair.foil) for pair in pairs]
    assert scores.share(rights) <= scores.ceiling(pairs) + 1e-12
    assert scores.ceiling(pairs) >= 0.5


def test_wilson_interval():
    # Wilson (1927) for 8 of 10, z = 1.959964: centre 0.7169, half width 0.2265.
    low, high = scores.wilson([True] * 8 + [False] * 2)
    assert (low, high) == (pytest.approx(0.4901625), pytest.approx(0.9433178))
    assert scores.wilson([]) == (None, None)


def test_the_gap_is_the_difference_between_stereotypes():
    judgements = [
        judged("F", "M", F=0.6, M=0.2, PL=0.2),
        judged("F", "M", F=0.25, M=0.25, PL=0.5),
        judged("M", "F", F=0.1, M=0.3, PL=0.6),
    ]
    assert scores.stereotypes(judgements) == {"female": 0.625, "male": 0.25, "gap": 0.375}
    assert scores.stereotypes(judgements[:2])["gap"] is None


def test_zero_probabilities_are_no_preference():
    assert scores.female_share(judged("F", "M", F=0.0, M=0.0, PL=1.0)) == 0.5
