from dataclasses import replace

import numpy as np
import pandas as pd

from seqtag.report.plots import plot_accuracy, plot_errors, plot_seeds
from seqtag.report.style import COLOURS, WIDTH, as_png, line_style, line_styles

ORDER = ["lstm, bias 1", "lstm, chrono 100", "rnn"]


def many(probe, number=9):
    """Return the probe with `number` setups, all copies of the rnn, and their names."""
    names = [f"cell_{n}" for n in range(number)]
    one = {
        field: getattr(probe, field)[getattr(probe, field)["name"] == "rnn"]
        for field in ("summary", "runs")
    }
    copies = {f: pd.concat([t.assign(name=name) for name in names]) for f, t in one.items()}
    return replace(probe, **copies), names


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))


def test_a_few_setups_share_two_panels(pronoun):
    figure = plot_accuracy(pronoun, "test", ORDER)
    easy, hard = figure.axes
    assert easy.get_xscale() == "log"
    assert [label.get_text() for label in easy.get_xticklabels()] == ["5", "20", "100"]
    for panel, slice_ in ((easy, "axis, others in range"), (hard, "axis, others beyond")):
        rows = pronoun.rows(slice_, "test")
        line = next(line for line in panel.lines if line.get_label() == "rnn")
        expected = rows[rows["name"] == "rnn"]
        np.testing.assert_allclose(line.get_ydata(), expected["accuracy"])
        np.testing.assert_array_equal(line.get_xdata(), [5, 20, 100])
        (shade,) = panel.patches
        assert shade.get_x() + shade.get_width() == 20
    assert figure.get_figwidth() == WIDTH
    shown_text = texts(figure)
    assert "pronoun: accuracy by distance (test split)" in shown_text
    assert "distance: tokens" in shown_text
    assert "training range" in shown_text
    assert "lstm, bias 1" in shown_text


def test_a_setup_has_the_same_style_whichever_others_are_shown(pronoun):
    figure = plot_accuracy(pronoun, "test", ORDER)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "rnn")
    assert line.get_color() == COLOURS[2]


def test_many_setups_have_a_panel_each(pronoun):
    probe, names = many(pronoun)
    figure = plot_accuracy(probe, "test", names)
    shown = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in shown] == names
    assert len(shown[0].lines) == 8 + 2 + 1  # the others, in range and beyond, chance
    assert as_png(figure)


def test_one_factor_gives_one_panel_without_markers_if_it_has_many_values(counting):
    figure = plot_accuracy(counting, "test", ORDER)
    (panel,) = figure.axes
    assert {line.get_marker() for line in panel.lines} <= {"", "None"}


def test_styles_of_21_setups_differ():
    assert len({tuple(map(str, line_style(number).values())) for number in range(21)}) == 21


def test_a_setup_keeps_its_style_unless_two_have_the_same_colour():
    order = [f"cell_{number}" for number in range(9)]
    assert line_styles(order[2:4], order) == {order[2]: line_style(2), order[3]: line_style(3)}
    styles = line_styles([order[0], order[7]], order)
    assert styles == {order[0]: line_style(0), order[7]: line_style(1)}
    assert line_styles(order, order)[order[8]] == line_style(8)


def test_kinds_of_error_add_up_to_all_errors(pronoun):
    figure = plot_errors(pronoun, "test", ORDER)
    within, beyond = figure.axes
    assert [text.get_text() for text in within.get_yticklabels()] == ["lstm, bias 1", "rnn"]
    bars = [[bar.get_width() for bar in group] for group in beyond.containers]
    rows = pronoun.rows("beyond", "test").set_index("name")
    np.testing.assert_allclose(np.sum(bars, axis=0), 1 - rows["accuracy"], atol=1e-9)
    np.testing.assert_allclose(bars[0], rows["stale"])
    assert not any(bar.get_width() for group in within.containers for bar in group)


def test_each_run_is_a_dot(pronoun):
    figure = plot_seeds(pronoun, "test", ORDER)
    beyond = figure.axes[1]
    dots = [line.get_xdata() for line in beyond.lines if line.get_marker() == "o"]
    assert [len(values) for values in dots] == [2, 2]
    runs = pronoun.runs
    chosen = (runs["split"] == "test") & (runs["name"] == "rnn") & ~runs["within"]
    np.testing.assert_allclose(sorted(dots[1]), sorted(runs.loc[chosen, "accuracy"]))


def test_the_accuracy_axis_starts_below_the_lowest_value(pronoun):
    table = pronoun.summary.assign(accuracy=0.97, low=0.92, high=0.99)
    near = plot_accuracy(replace(pronoun, summary=table), "test", ORDER)
    low, high = near.axes[0].get_ylim()
    assert 0.88 < low < 0.9
    assert high > 1
    assert "chance (33 %): below" in texts(near)
    np.testing.assert_allclose(near.axes[0].get_yticks(), [0.9, 0.92, 0.94, 0.96, 0.98, 1])
    full = plot_accuracy(pronoun, "test", ORDER)
    assert full.axes[0].get_ylim()[0] < 0
    assert "below" not in texts(full)
