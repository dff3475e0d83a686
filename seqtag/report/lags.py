"""Picture of the regime learn: how many sequences it took to learn each lag."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from seqtag.report.style import (
    GREY,
    MAX_LINES,
    PANELS,
    TEXT,
    figure_title,
    legend,
    line_styles,
    new_figure,
    new_panels,
    value_axis,
)


def plot_lags(lags: pd.DataFrame, probe: str, order: Sequence[str]) -> Figure:
    """Draw the sequences that training took against the lag; crosses mark lags that no run solved.

    A few setups share one panel; with many, each has its own.

    Args:
        lags: rows of one probe: name, lag, budget, seeds, solved, median, least, most.
        probe: its name.
        order: all setups of the report.
    """
    names = [name for name in order if name in set(lags["name"])]
    if len(names) <= MAX_LINES:
        figure, (panel,) = new_figure(1, 1, 3.4)
        panels = dict.fromkeys(names, panel)
    else:
        figure, panels = new_panels(names, PANELS, 1.1, 1.3)
    styles = line_styles(names, order)
    for place, (name, panel) in enumerate(panels.items()):
        own = lags[lags["name"] == name].sort_values("lag")
        # Crosses of several setups at the same lag are stacked.
        above = 1.12 * 1.13**place if len(names) <= MAX_LINES else 1.2
        _line(panel, own, above, label=name, **styles[name])
    for panel in dict.fromkeys(panels.values()):
        _finish(panel, lags, 5 if len(names) > MAX_LINES else 10)
    figure_title(figure, f"{probe}: sequences needed to learn a lag, trained at that lag alone")
    figure.supylabel("sequences seen", fontsize=TEXT)
    legend(figure, [*_line_handles(styles), *_mark_handles()], 4, "lag: value of the probe's axis")
    return figure


def _line(panel: Axes, rows: pd.DataFrame, above: float, **style) -> None:
    solved = rows[rows["solved"] > 0]
    lag, median = solved["lag"], solved["median"].astype(float)
    spread = [median - solved["least"], solved["most"] - median]
    line = {"linewidth": 1.3, "markersize": 4, "capsize": 2, "elinewidth": 0.8, **style}
    some = solved[solved["solved"] < solved["seeds"]]
    panel.errorbar(lag, median, yerr=spread, **line)
    hollow = {"marker": style["marker"], "color": style["color"], "markerfacecolor": "white"}
    panel.plot(some["lag"], some["median"], linestyle="", markersize=4, zorder=3, **hollow)
    none = rows[rows["solved"] == 0]
    panel.plot(none["lag"], none["budget"] * above, "x", color=style["color"], markersize=5)


def _finish(panel: Axes, lags: pd.DataFrame, ticks: int) -> None:
    budget = lags["budget"].max()
    panel.axhline(budget, color=GREY, linestyle=":", linewidth=1)
    panel.set_yscale("log")
    least = lags["least"].min()
    panel.set_ylim((least if least > 0 else budget / 10) / 1.5, budget * 2.6)
    panel.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    value_axis(panel, [float(lag) for lag in lags["lag"]], ticks)
    panel.grid(axis="y", alpha=0.35, linewidth=0.5)


def _line_handles(styles: Mapping[str, Mapping[str, Any]]) -> list[Line2D]:
    if len(styles) > MAX_LINES:
        return []
    return [Line2D([], [], markersize=4, label=name, **style) for name, style in styles.items()]


def _mark_handles() -> list[Line2D]:
    style = {"color": "#333", "linestyle": "", "markersize": 4.5}
    return [
        Line2D([], [], marker="o", label="all runs learn it (median, range)", **style),
        Line2D([], [], marker="o", markerfacecolor="white", label="some runs learn it", **style),
        Line2D([], [], marker="x", label="no run learns it within the budget", **style),
        Line2D([], [], color=GREY, linestyle=":", label="budget"),
    ]
