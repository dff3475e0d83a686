import numpy as np
import pytest

from seqtag.study.accuracy import answers_of
from seqtag.study.bootstrap import ItemCounts, compare, item_counts

GRID = {"distance": (10, 100)}


@pytest.fixture
def run(judged):
    def of(share, cell="lstm", n=100, **about) -> ItemCounts:
        items = judged(
            GRID, lambda f: f["distance"] == 10, lambda f: share, n=n, cell=cell, **about
        )
        return item_counts(answers_of(items))

    return of


def test_the_difference_and_its_interval(run):
    runs = [run(0.9), run(0.9, seed=1), run(0.5, "rnn"), run(0.5, "rnn", seed=1)]
    names = ["lstm", "lstm", "rnn", "rnn"]
    (row,) = compare(runs, names, "lstm", "test", False).to_dict("records")
    beyond = runs[0].items["within"].to_numpy() == False  # noqa: E712
    share = [one.right[beyond].mean() for one in runs]
    assert row["difference"] == pytest.approx((share[2] + share[3] - share[0] - share[1]) / 2)
    assert (row["name"], row["items"], row["seeds"]) == ("rnn", 100, 2)
    assert row["low"] < row["difference"] < row["high"] < 0


def test_items_are_paired(run):
    # Setups with errors on the same items do not differ in any resampling.
    one = run(0.5)
    (row,) = compare([one, one], ["a", "b"], "a", "test", True).to_dict("records")
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)


def test_with_one_run_each_the_interval_is_that_of_a_paired_difference(run):
    a, b = run(0.8, n=400), run(0.6, "rnn", n=400)
    (row,) = compare([a, b], ["a", "b"], "a", "test", False).to_dict("records")
    beyond = ~a.items["within"].to_numpy(bool)
    gap = (b.right - a.right)[beyond]
    half = 1.96 * gap.std() / np.sqrt(len(gap))
    assert row["low"] == pytest.approx(gap.mean() - half, abs=0.012)
    assert row["high"] == pytest.approx(gap.mean() + half, abs=0.012)


def test_seeds_that_differ_widen_the_interval(run):
    equal_seeds = [run(0.9), run(0.7, "rnn"), run(0.7, "rnn", seed=1)]
    different_seeds = [run(0.9), run(0.99, "rnn"), run(0.4, "rnn", seed=1)]
    widths = [
        float((row["high"] - row["low"]).iloc[0])
        for runs in (equal_seeds, different_seeds)
        for row in [compare(runs, ["a", "b", "b"], "a", "test", False)]
    ]
    assert widths[1] > 2 * widths[0]


def test_intervals_are_reproducible(run):
    runs, names = [run(0.9), run(0.5, "rnn")], ["a", "b"]
    first, second = (compare(runs, names, "a", "test", True) for _ in range(2))
    assert first.equals(second)


def test_runs_on_other_items_are_left_out(run):
    runs = [run(0.9), run(0.5, "rnn", n=50), run(0.5, "gru", data_seed=7)]
    assert len({one.items_digest for one in runs}) == 3
    assert compare(runs, ["lstm", "rnn", "gru"], "lstm", "test", True).empty


def test_no_comparison_without_items_or_reference(run):
    runs, names = [run(0.9), run(0.5, "rnn")], ["a", "b"]
    assert compare(runs, names, "a", "templates", True).empty
    assert compare(runs, names, "no such", "test", True).empty


def test_an_item_has_one_answer_for_each_target(judged):
    items = judged(GRID, lambda f: True, lambda f: 1.0, n=4, targets=3)
    items.loc[0, "right"] = False
    counts = item_counts(answers_of(items))
    assert counts.n.tolist() == [3] * 8
    assert counts.right.tolist() == [2] + [3] * 7
