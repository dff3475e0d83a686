import numpy as np
import pandas as pd
import pytest

from seqtag.report.gradients import plot_mean_gradients, slopes_table
from seqtag.report.style import as_png

ORDER = ["lstm, bias 1", "lstm, chrono 100", "rnn"]


def test_a_line_for_each_setup_before_training_and_after(results):
    figure = plot_mean_gradients(results.curves, "pronoun", ORDER)
    before, after = figure.axes
    assert [panel.get_title(loc="left") for panel in figure.axes] == [
        "at initialisation",
        "after training",
    ]
    lstm, rnn = before.lines
    assert (lstm.get_label(), rnn.get_label()) == ("lstm, bias 1", "rnn")
    assert lstm.get_color() != rnn.get_color()
    assert lstm.get_marker() != rnn.get_marker()
    np.testing.assert_allclose(rnn.get_ydata(), 0.5 ** np.arange(9))
    # The geometric mean of both seeds, and their range.
    np.testing.assert_allclose(after.lines[0].get_ydata(), (0.95 * 0.85) ** (np.arange(9) / 2))
    band = after.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(0.85**8)
    assert before.get_yscale() == "log"


def test_many_setups_have_a_panel_each_and_underflow_is_left_out(results):
    names = [f"cell_{number}" for number in range(8)]
    rnn = results.curves[results.curves["name"] == "rnn"]
    table = pd.concat([rnn.assign(name=name) for name in names])
    table.loc[table["k"] > 5, ["norm", "least"]] = 0.0
    figure = plot_mean_gradients(table, "pronoun", names)
    assert [panel.get_title(loc="left") for panel in figure.axes] == names
    (own, *_) = [line for line in figure.axes[0].lines if line.get_linewidth() > 1]
    assert own.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
    assert as_png(figure)


def test_the_table_has_slopes_and_learned_lags(results):
    table = slopes_table(results.slopes, results.learned_lags, ORDER, 8)
    lstm, chrono, rnn = (row.split("<td>") for row in table.split("<tr><th scope=row>")[1:])
    assert lstm[2].startswith("0.900<")
    assert lstm[4].startswith("0.700<")  # the forget gate alone
    assert "0.899 <small>0.850 to 0.950</small>" in lstm[5]
    assert [cell.split("<")[0] for cell in lstm[-3:]] == ["20", "20", "40"]
    assert [cell.split("<")[0] for cell in chrono[1:]] == ["–"] * 7 + ["40", "40", "40"]
    assert rnn[3].startswith("8e-31<")
    assert [cell.split("<")[0] for cell in rnn[-3:]] == ["0", "0", "40"]
    assert "at lags 1 to 8" in table


def test_a_gradient_that_grows_is_shown_as_a_multiple(results):
    fitted = results.slopes.assign(factor=1.05)
    assert "<td>132\N{NO-BREAK SPACE}times</td>" in slopes_table(
        fitted, results.learned_lags, ORDER, 8
    )


def test_without_learned_lags_their_columns_are_left_out(results):
    table = slopes_table(results.slopes, results.learned_lags.iloc[:0], ORDER, 8)
    assert "lag learned" not in table
    assert "lstm, chrono 100" not in table
