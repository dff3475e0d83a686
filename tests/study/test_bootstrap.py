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
    (found,) = compare(runs, names, "lstm", "test", False).to_dict("records")
    beyond = runs[0].items["within"].to_numpy() == False  # noqa: E712
    share = [one.right[beyond].mean() for one in runs]
    assert found["difference"] == pytest.approx((share[2] + share[3] - share[0] - share[1]) / 2)
    assert (found["name"], found["items"], found["seeds"]) == ("rnn", 100, 2)
    assert found["low"] < found["difference"] < found["high"] < 0


def test_items_are_paired(run):
    # Two setups wrong at the same items differ by nothing in any resampling.
    one = run(0.5)
    (found,) = compare([one, one], ["a", "b"], "a", "test", True).to_dict("records")
    assert (found["difference"], found["low"], found["high"]) == (0, 0, 0)


def test_of_one_run_each_the_interval_is_that_of_a_paired_difference(run):
    a, b = run(0.8, n=400), run(0.6, "rnn", n=400)
    (found,) = compare([a, b], ["a", "b"], "a", "test", False).to_dict("records")
    beyond = ~a.items["within"].to_numpy(bool)
    gap = (b.right - a.right)[beyond]
    half = 1.96 * gap.std() / np.sqrt(len(gap))
    assert found["low"] == pytest.approx(gap.mean() - half, abs=0.012)
    assert found["high"] == pytest.approx(gap.mean() + half, abs=0.012)


def test_seeds_that_differ_widen_the_interval(run):
    alike = [run(0.9), run(0.7, "rnn"), run(0.7, "rnn", seed=1)]
    apart = [run(0.9), run(0.99, "rnn"), run(0.4, "rnn", seed=1)]
    widths = [
        float((found["high"] - found["low"]).iloc[0])
        for runs in (alike, apart)
        for found in [compare(runs, ["a", "b", "b"], "a", "test", False)]
    ]
    assert widths[1] > 2 * widths[0]


def test_the_same_every_time(run):
    runs, names = [run(0.9), run(0.5, "rnn")], ["a", "b"]
    first, second = (compare(runs, names, "a", "test", True) for _ in range(2))
    assert first.equals(second)


def test_runs_on_other_items_are_left_out(run):
    runs = [run(0.9), run(0.5, "rnn", n=50), run(0.5, "gru", data_seed=7)]
    assert len({one.items_digest for one in runs}) == 3
    assert compare(runs, ["lstm", "rnn", "gru"], "lstm", "test", True).empty


def test_where_nothing_was_judged_nothing_is_compared(run):
    runs, names = [run(0.9), run(0.5, "rnn")], ["a", "b"]
    assert compare(runs, names, "a", "templates", True).empty
    assert compare(runs, names, "no such", "test", True).empty


def test_an_item_counts_by_its_targets(judged):
    items = judged(GRID, lambda f: True, lambda f: 1.0, n=4, targets=3)
    items.loc[0, "right"] = False
    found = item_counts(answers_of(items))
    assert found.n.tolist() == [3] * 8
    assert found.right.tolist() == [2] + [3] * 7
