import numpy as np
import pandas as pd
import pytest

from seqtag.columns import AXIS, AXIS_BEYOND, AXIS_IN, BEYOND, CORNER, FACTORS, WITHIN
from seqtag.report.formatting import percent
from seqtag.report.page import render
from seqtag.report.sections import beaten
from seqtag.study.accuracy import (
    accuracy_by_run,
    answers_of,
    best_baseline,
    count_answers,
    regions,
    setup_names,
    slices,
    summary,
)
from seqtag.study.gather import gather

GRID = {"distance": (5, 20, 100), "attractors": (0, 4)}


def near(factors):
    return factors["distance"] <= 20 and factors["attractors"] == 0


@pytest.fixture(scope="module")
def counts(judged):
    """Two seeds: all answers are right up to distance 20, about half beyond."""
    runs = [
        judged(GRID, near, lambda f: 1.0 if f["distance"] <= 20 else 0.5, n=20, seed=seed)
        for seed in (0, 1)
    ]
    return pd.concat([count_answers(answers_of(run)) for run in runs], ignore_index=True)


@pytest.fixture(scope="module")
def table(counts):
    return summary(counts)


def row(table, slice_, contrast="", **where):
    """Return the only row of a slice with these values."""
    chosen = (table["slice"] == slice_) & (table["contrast"] == contrast)
    for name, value in where.items():
        chosen &= table[name] == value
    (only,) = table[chosen].to_dict("records")
    return only


def test_sums_of_a_run_are_those_of_its_rows(judged):
    items = judged(GRID, near, lambda f: 0.5, n=30)
    sums = count_answers(answers_of(items))
    assert sums["n"].sum() == len(items) == 180
    assert sums["right_model"].sum() == items["right"].sum()
    for error in ("stale", "capture", "wrong"):
        assert sums[error].sum() == (items["error"] == error).sum() > 0
    assert sums["known_majority"].sum() == 180
    assert sums["right_majority"].sum() == 60
    assert sums["known_untrained"].sum() == 0


def test_a_whole_item_is_right_if_all_its_targets_are(judged):
    items = judged({"n": (1, 2)}, lambda f: True, lambda f: 1.0, n=6, targets=3, whole=True)
    items.loc[[4, 5], "right"] = False  # of the second item, whose positions are 0, 1 and 2
    items["error"] = items["error"].astype(object)
    items.loc[4, "error"], items.loc[5, "error"] = "capture", "stale"
    items["baseline_majority"] = [True] * 3 + [True, False, True] + [None] + [True] * 29
    items["baseline_window"] = True
    whole = answers_of(items.sample(frac=1, random_state=0))
    assert whole["item"].tolist() == list(range(12))
    assert whole["right"].tolist() == [True, False] + [True] * 10
    assert whole["error"].tolist()[:2] == ["", "capture"]
    assert whole["baseline_majority"].tolist()[:2] == [True, False]
    assert pd.isna(whole["baseline_majority"][2])
    assert whole["baseline_window"].all()
    assert count_answers(whole)["n"].sum() == 12


def test_each_target_is_an_answer_if_items_are_not_judged_whole(judged):
    items = judged({"n": (1, 2)}, lambda f: True, lambda f: 1.0, n=6, targets=3)
    assert count_answers(answers_of(items))["n"].sum() == 36


def test_equal_targets_of_an_item_count_as_one_independent_answer(judged):
    grid = {"n": (1, 2)}
    independent = judged(grid, lambda f: True, lambda f: 0.7, n=60, targets=4)
    equal = independent.assign(
        right=independent["right"].groupby(independent["item"]).transform("first")
    )
    rows = {}
    for name, items in (("independent", independent), ("equal", equal)):
        rows[name] = row(summary(count_answers(answers_of(items))), WITHIN)
        assert (rows[name]["n"], rows[name]["items"]) == (480, 120)
    assert rows["independent"]["design_effect"] < 1.5
    assert rows["equal"]["design_effect"] == pytest.approx(4)
    first = judged(grid, lambda f: True, lambda f: 0.7, n=60).assign(
        right=equal.loc[equal["position"] == 0, "right"].to_numpy()
    )
    one = row(summary(count_answers(answers_of(first))), WITHIN)
    assert one["design_effect"] == 1
    assert (rows["equal"]["low"], rows["equal"]["high"]) == pytest.approx((one["low"], one["high"]))


def test_slices_by_the_axis_and_by_the_training_range(counts):
    chosen = {name: counts[rows] for name, rows, _ in slices(counts)}
    assert set(chosen[AXIS_IN]["factor_attractors"]) == {0}
    assert set(chosen[AXIS_BEYOND]["factor_attractors"]) == {4}
    assert len(chosen[AXIS]) == len(chosen[FACTORS]) == len(counts)
    assert set(chosen[WITHIN]["factor_distance"]) == {5, 20}
    assert chosen[BEYOND]["n"].sum() == counts["n"].sum() - chosen[WITHIN]["n"].sum()
    assert set(chosen[CORNER]["factor_distance"]) == {100}
    assert set(chosen[CORNER]["factor_attractors"]) == {4}


def test_a_factor_judged_only_within_its_range_is_not_fixed_in_the_far_corner(judged):
    grid = {"distance": (5, 100), "depth": (0, 1)}
    items = judged(grid, lambda f: f["distance"] == 5, lambda f: 1.0, n=4)
    counts = count_answers(answers_of(items))
    corner = next(counts[rows] for name, rows, _ in slices(counts) if name == CORNER)
    assert set(corner["factor_depth"]) == {0, 1}
    assert set(corner["factor_distance"]) == {100}


def test_summary_of_the_training_range_and_beyond(table):
    within, beyond = row(table, WITHIN), row(table, BEYOND)
    assert (within["n"], within["seeds"], within["accuracy"]) == (80, 2, 1.0)
    assert within["solve_rate"] == 1.0
    assert within["high"] == 1.0
    assert within["low"] == pytest.approx(80 / (80 + 1.959964**2))
    assert within["chance"] == pytest.approx(1 / 3)
    assert within["majority"] == pytest.approx(1 / 3, abs=0.05)
    assert np.isnan(within["untrained"])
    assert beyond["n"] == 160
    assert beyond["solve_rate"] == 0.0
    assert beyond["least"] <= beyond["median"] <= beyond["most"]
    errors = beyond["stale"] + beyond["capture"] + beyond["wrong"]
    assert errors == pytest.approx(1 - beyond["accuracy"])
    assert table[table["slice"] == WITHIN]["within"].all()
    assert not table[table["slice"].isin([BEYOND, CORNER])]["within"].any()


def test_summary_has_rows_for_each_contrast(table):
    whole = row(table, AXIS_IN, factor_distance=100)
    parts = [
        row(table, AXIS_IN, contrast, factor_distance=100)
        for contrast in ("congruent", "incongruent")
    ]
    assert sum(part["n"] for part in parts) == whole["n"] == 40
    right = sum(part["n"] * part["accuracy"] for part in parts)
    assert right == pytest.approx(whole["n"] * whole["accuracy"])
    assert set(table.loc[table["slice"] == FACTORS, "contrast"]) == {""}


def test_median_and_range_are_over_runs(counts, table):
    runs = accuracy_by_run(counts)
    accuracy = runs.loc[~runs["within"], "accuracy"]
    assert len(accuracy) == 2
    beyond = row(table, BEYOND)
    assert (beyond["least"], beyond["most"]) == (accuracy.min(), accuracy.max())
    assert beyond["median"] == pytest.approx(accuracy.mean())


def setups(*rows):
    columns = ["probe", "regime", "cell", "start", "direction", "layers", "hidden", "parameters"]
    return pd.DataFrame(rows, columns=columns).assign(settings="")


def test_a_name_is_the_cell_alone_if_nothing_else_differs():
    same = ("bias 1", "both", 1, 32, 900)
    names = setup_names(setups(("p", "reach", "lstm", *same), ("p", "reach", "gru", *same)))
    assert names.tolist() == ["lstm", "gru"]


def test_names_have_the_columns_in_which_setups_differ():
    names = setup_names(
        setups(
            ("p", "reach", "lstm", "bias 1", "both", 1, 32, 900),
            ("q", "learn", "lstm", "chrono 100", "both", 1, 32, 900),
            ("p", "reach", "rnn", "", "both", 1, 32, 300),
            ("p", "reach", "rnn", "", "both", 1, 60, 900),
            ("p", "reach", "gru", "", "both", 1, 32, 700),
            ("q", "reach", "gru", "", "forward", 1, 32, 350),
            ("p", "given", "cifg", "", "both", 2, 32, 700),
        )
    )
    assert names.tolist() == [
        *("lstm, bias 1", "lstm, chrono 100", "rnn, 32 units", "rnn, 60 units"),
        *("gru", "gru", "cifg, given"),
    ]


def test_a_start_is_in_the_name_if_another_setup_of_the_cell_has_none():
    starts = [("p", "learn", "gru", start, "both", 1, 32, 700) for start in ("", "chrono 100")]
    assert setup_names(setups(*starts)).tolist() == ["gru", "gru, chrono 100"]


def test_other_settings_are_at_the_end_of_a_name():
    same = ("p", "reach", "lstm", "bias 1", "both", 1, 32, 900)
    names = setup_names(setups(same, same).assign(settings=["optimizer.lr=0.1", ""]))
    assert names.tolist() == ["lstm, optimizer.lr=0.1", "lstm"]


def test_without_items_within_the_training_range_the_probe_defines_it(judged):
    grid = {"distance": (50, 500), "attractors": (0, 6), "switches": (0,), "depth": (1,)}
    items = judged(grid, lambda f: False, lambda f: float(f["attractors"] == 0))
    table = summary(count_answers(answers_of(items)))
    assert row(table, AXIS_IN, factor_distance=500)["accuracy"] == 1.0
    assert row(table, AXIS_BEYOND, factor_distance=500)["accuracy"] == 0.0
    corner = row(table, CORNER)
    assert (corner["n"], corner["accuracy"]) == (10, 0.0)


def accuracy_of_regions(items) -> dict[str, float]:
    figures = regions(count_answers(answers_of(items)))
    return {name: row["accuracy"] for name, row in figures.items()}


def test_scores_of_a_run_equal_the_figures_of_its_report(judged, save_run, tmp_path):
    """Both use only the main split, here less accurate than the other one."""
    items = judged(GRID, near, lambda f: 0.6, n=20, splits=("templates", "test"))
    items.loc[items["split"] == "templates", "right"] = True
    scores = accuracy_of_regions(items)
    main = items[items["split"] == "test"]
    assert scores == {
        BEYOND: main.loc[~main["within"], "right"].mean(),
        WITHIN: main.loc[main["within"], "right"].mean(),
    }
    assert max(scores.values()) < 0.8
    results, _ = gather([save_run(tmp_path / "run", items)], [])
    reported = results.by_probe("accuracy").iloc[0]
    for region, score in scores.items():
        assert reported[region, "pronoun"] == score
        assert f"<td>{percent(score)} <small>" in render(results, [])


def test_the_best_baseline_is_the_one_right_most_often(judged):
    items = judged(GRID, near, lambda f: 0.6, n=20)
    items["baseline_majority"] = False
    items["baseline_last_cue"] = True
    items["baseline_first_cue"] = None
    figures = regions(count_answers(answers_of(items)))[WITHIN]
    assert figures["last_cue"] == 1.0
    assert best_baseline(figures) == "last_cue"


def test_a_region_without_items_has_no_score(judged):
    items = judged({"distance": (5, 20)}, lambda f: True, lambda f: 1.0)
    assert accuracy_of_regions(items) == {WITHIN: 1.0}


def test_another_table_is_in_no_average_and_has_rows_of_its_own(judged, save_run, tmp_path):
    grid = {"distance": (5, 20), "rivals": (0, 2)}
    items = judged(grid, lambda f: f["distance"] == 5, lambda f: float(f["rivals"] == 0), n=4)
    items["table"] = np.where(items["factor_rivals"] == 0, "retention", "main")
    items["baseline_majority"], items["baseline_last_cue"] = False, items["table"] == "retention"
    assert accuracy_of_regions(items) == {BEYOND: 0.0, WITHIN: 0.0}
    results, table = gather([save_run(tmp_path / "run", items)], [])
    means = table[table["slice"] == WITHIN].groupby("table")["accuracy"].max()
    assert means.to_dict() == {"main": 0.0, "retention": 1.0}
    assert results.probes[0].differences.empty
    assert set(results.probes[0].summary["table"]) == {"main"}
    page = render(results, [])
    assert "Retention (rivals 0): accuracy by distance" in page
    assert "These items are in no average." in page
    assert not beaten(results.probes)


def test_a_report_begins_with_the_baselines_that_beat_a_model(judged, save_run, tmp_path):
    items = judged(GRID, near, lambda f: 0.5, n=40)
    items["baseline_majority"], items["baseline_untrained"] = ~items["within"], True
    results, _ = gather([save_run(tmp_path / "run", items)], [])
    text = beaten(results.probes)
    assert text.startswith("A baseline is right more often than a trained model, in %: pronoun ")
    assert "beyond: majority 100.0 (above lstm" in text
    assert "within" not in text
    page = render(results, [])
    assert 0 < page.index(text) < page.index("What was run")
