import numpy as np
import pandas as pd

from seqtag.report.lags import plot_lags
from seqtag.report.style import as_png

ORDER = ["lstm, bias 1", "lstm, chrono 100", "rnn"]


def crosses(panel):
    return [line for line in panel.lines if line.get_marker() == "x" and len(line.get_xdata())]


def test_lines_for_learned_lags_and_crosses_for_others(results):
    figure = plot_lags(results.learn, "pronoun", ORDER)
    (panel,) = figure.axes
    (bias, chrono, rnn) = (container.lines[0] for container in panel.containers)
    assert bias.get_xdata().tolist() == [10, 20]
    assert bias.get_ydata().tolist() == [100, 200]
    assert chrono.get_xdata().tolist() == [10, 20, 40]
    assert len(rnn.get_xdata()) == 0
    assert [line.get_xdata().tolist() for line in crosses(panel)] == [[40], [10, 20, 40]]
    assert all((line.get_ydata() > 1000).all() for line in crosses(panel))
    at_40 = [line.get_ydata()[-1] for line in crosses(panel)]
    assert at_40[0] != at_40[1]


def test_lags_that_only_some_runs_learned_have_hollow_markers(results):
    some = results.learn.assign(seeds=2)
    (panel,) = plot_lags(some, "pronoun", ORDER).axes
    hollow = [line for line in panel.lines if line.get_markerfacecolor() == "white"]
    assert sum(len(line.get_xdata()) for line in hollow) == 5


def test_many_setups_have_a_panel_each_and_all_may_fail(results):
    names = [f"cell_{number}" for number in range(8)]
    rnn = results.learn[results.learn["name"] == "rnn"]
    table = pd.concat([rnn.assign(name=name) for name in names])
    figure = plot_lags(table, "pronoun", names)
    assert [panel.get_title(loc="left") for panel in figure.axes] == names
    assert all(len(crosses(panel)) == 1 for panel in figure.axes)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    assert as_png(figure)
