import pandas as pd
import pytest

from seqtag.errors import InputError
from seqtag.suites.merging import SHARES, mean_over_runs


def group(run, seed, name="lstm", suite="blimp", **shares):
    row = {"suite": suite, "group": "g", "n": 10, "left_out": 2, "name": name, "trained": "p"}
    return {**dict.fromkeys(SHARES), **row, "run": run, "seed": seed, **shares}


def merged(*rows):
    table = pd.DataFrame(rows).astype(dict.fromkeys(SHARES, float))
    return mean_over_runs(table).to_dict("records")


def test_several_runs_have_a_mean_and_a_range_instead_of_an_interval():
    lstm, rnn = merged(
        group("a", 1, pairwise=0.5, low=0.4, high=0.6, argmax=0.2),
        group("b", 2, pairwise=0.9, low=0.8, high=1.0, argmax=0.4),
        group("c", 1, "rnn", pairwise=0.7, low=0.6, high=0.8, argmax=0.5),
    )
    assert (lstm["pairwise"], lstm["argmax"]) == pytest.approx((0.7, 0.3))
    assert (lstm["least"], lstm["most"], lstm["runs"]) == (0.5, 0.9, 2)
    assert pd.isna(lstm["low"])
    assert (rnn["low"], rnn["high"], rnn["n"], rnn["left_out"]) == (0.6, 0.8, 10, 2)


def test_the_range_of_a_suite_without_answers_is_that_of_the_gap():
    (row,) = merged(group("a", 1, gap=0.1), group("b", 2, gap=-0.1))
    assert (row["least"], row["most"]) == (-0.1, 0.1)


def test_the_group_all_is_last():
    rows = merged(
        group("a", 1) | {"group": "all"},
        group("a", 1),
    )
    assert [row["group"] for row in rows] == ["g", "all"]


def test_equal_results_of_a_setup_count_once_and_different_ones_are_rejected():
    rows = merged(group("a", 1, pairwise=0.5), group("b", 1, pairwise=0.5))
    assert [row["runs"] for row in rows] == [1]
    with pytest.raises(InputError, match="a and b: different results for the same suite, group"):
        merged(group("a", 1, pairwise=0.5), group("b", 1, pairwise=0.6))
