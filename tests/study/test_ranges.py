import numpy as np
import pandas as pd
import pytest

from seqtag.columns import AXIS_IN
from seqtag.study.accuracy import (
    PROBE,
    SETUP,
    accuracies,
    answers_of,
    count_answers,
    slices,
)
from seqtag.study.ranges import d50_table, lags, learned_lags, solved_up_to

GRID = {"distance": (10, 100, 1000), "attractors": (0, 5)}


def counts(judged, accuracy, **about):
    """Return the counts of a run that was trained up to distance 10 without attractors."""
    items = judged(GRID, lambda f: f["distance"] == 10 and not f["attractors"], accuracy, **about)
    return count_answers(answers_of(items))


def find_d50(judged, accuracy, **about):
    table = counts(judged, accuracy, **{"n": 100, **about})
    rows = next(table[rows] for name, rows, _ in slices(table) if name == AXIS_IN)
    table = accuracies(rows, [*PROBE, *SETUP, "split", "contrast", "factor_distance"])
    table = table[table["contrast"] == "congruent"].assign(contrast="", slice=AXIS_IN)
    (row_,) = d50_table(table).to_dict("records")
    return row_["d50"], row_["text"]


def test_d50_is_interpolated_between_two_judged_values(judged):
    # Lower ends of 50 of 50 and 0 of 50: 0.9286 and 0; the middle between chance and 1 is 2/3.
    where, text = find_d50(judged, lambda f: float(f["distance"] <= 10 or f["attractors"] > 0))
    assert where == pytest.approx(10 * 10 ** ((0.92864 - 2 / 3) / 0.92864), rel=1e-3)
    assert text == "19"


def test_d50_above_the_last_and_below_the_first_value(judged):
    assert find_d50(judged, lambda f: 1.0)[1] == ">\N{NO-BREAK SPACE}1000"
    where, text = find_d50(judged, lambda f: 0.1)
    assert text == "<\N{NO-BREAK SPACE}10"
    assert np.isnan(where)


def test_too_few_right_answers_give_no_d50(judged):
    where, text = find_d50(judged, lambda f: 1.0, n=4)
    assert text == "too few answers"
    assert np.isnan(where)


def test_d50_depends_on_chance(judged):
    easy = find_d50(judged, lambda f: float(f["distance"] <= 10), chance=0.0)[0]
    hard = find_d50(judged, lambda f: float(f["distance"] <= 10), chance=0.8)[0]
    assert hard < easy


def test_solved_up_to_ends_before_the_first_failure(judged):
    right = {10: 1.0, 100: 0.5, 1000: 1.0}
    table = pd.concat(
        [
            counts(judged, lambda f: right[f["distance"]], seed=0),
            counts(judged, lambda f: 1.0, seed=1),
            counts(judged, lambda f: 0.5, seed=2),
        ]
    )
    reached = solved_up_to(table).set_index("seed")["reached"]
    assert reached.to_dict() == {0: 10, 1: 1000, 2: 0}


@pytest.mark.parametrize(("whole", "reached"), [(False, 1000), (True, 10)])
def test_whole_items_must_all_be_right_and_targets_99_in_100(judged, whole, reached):
    table = counts(judged, lambda f: 1.0, n=200, whole=whole)
    at = table.index[(table["factor_distance"] == 100) & (table["factor_attractors"] == 0)]
    table.loc[at[0], "right_model"] -= 1  # one of 200
    assert solved_up_to(table)["reached"].tolist() == [reached]


def row(run, lag, solved, sequences=900, cell="lstm"):
    return {
        **{"run": run, "probe": "p", "cell": cell, "start": "", "direction": "both", "layers": 1},
        **{"hidden": 32, "parameters": 900, "seed": 0, "lag": lag, "budget": 1000},
        "settings": "",
        **{"solved": solved, "sequences": sequences, "accuracy": 1.0},
    }


def test_lags_count_runs_that_gave_up_before():
    table = pd.DataFrame(
        [
            *(row("a", 10, True, 100), row("a", 20, True, 300), row("a", 40, True)),
            *(row("b", 10, True, 200), row("b", 20, False)),  # gave up
            *(row("c", 10, True, 600), row("c", 20, True, 500)),  # has no longer lags to train at
        ]
    )
    by_lag = lags(table).set_index("lag")
    assert by_lag["seeds"].to_dict() == {10: 3, 20: 3, 40: 2}
    assert by_lag["tried"].to_dict() == {10: 3, 20: 3, 40: 1}
    assert by_lag["solved"].to_dict() == {10: 3, 20: 2, 40: 1}
    assert by_lag["share"].tolist() == [1.0, pytest.approx(2 / 3), 0.5]
    assert by_lag.loc[10, ["median", "least", "most"]].tolist() == [200, 100, 600]
    assert by_lag.loc[20, ["median", "least", "most"]].tolist() == [400, 300, 500]
    assert set(by_lag["budget"]) == {1000}


def test_lags_that_no_run_solved_have_no_number_of_sequences():
    (table,) = lags(pd.DataFrame([row("a", 10, False)])).to_dict("records")
    assert (table["solved"], table["share"]) == (0, 0.0)
    assert np.isnan(table["median"])


def test_lags_are_counted_for_each_setup():
    table = pd.DataFrame([row("a", 10, True), row("b", 10, False, cell="rnn")])
    assert lags(table).set_index("cell")["solved"].to_dict() == {"lstm": 1, "rnn": 0}


def test_lags_are_learned_by_more_than_half_of_the_runs():
    solved = {10: 2, 20: 2, 40: 1, 70: 2, 100: 0}
    table = pd.DataFrame({"lag": list(solved), "solved": list(solved.values())})
    table = table.assign(probe="p", name="lstm", seeds=2)
    none = table.assign(name="rnn", solved=0)
    lstm, rnn = learned_lags(pd.concat([none, table])).sort_values("name").to_dict("records")
    assert (lstm["without_gap"], lstm["longest"], lstm["tried"]) == (20, 70, 100)
    assert (rnn["without_gap"], rnn["longest"], rnn["tried"]) == (0, 0, 100)
