"""Pictures of a probe: accuracy along its axis, kinds of error, and seeds."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from seqtag.columns import AXIS_BEYOND, AXIS_IN, BEYOND, WITHIN
from seqtag.report.results import ProbeResults
from seqtag.report.style import (
    COLOURS,
    GREY,
    MAX_LINES,
    PANELS,
    SHADE,
    TEXT,
    axis_start,
    chance_key,
    figure_title,
    legend,
    line_styles,
    new_figure,
    new_panels,
    panel_title,
    shade_training,
    share_axis,
    value_axis,
)

# With more values, their markers would overlap.
_MAX_MARKERS = 20
_OWN, _HARDER = COLOURS[0], COLOURS[1]
# Kinds of error: colour, and hatching for grey prints.
_ERRORS = {"stale": (COLOURS[1], ""), "capture": (COLOURS[4], "///"), "wrong": ("#b5b5b5", "...")}


def plot_accuracy(results: ProbeResults, split: str, order: Sequence[str]) -> Figure:
    """Draw accuracy against the axis, with its interval, the training range and chance.

    A few setups share two panels: all other factors in their training range, and at least one of
    them beyond it. With many, each has its own panel, which shows the others in grey.
    """
    names = [name for name in order if name in results.names]
    together = len(names) <= MAX_LINES
    figure = (_shared_panels if together else _panel_per_setup)(results, split, names, order)
    figure_title(figure, f"{results.probe}: accuracy by {results.axis} ({split} split)")
    return figure


def _shared_panels(
    results: ProbeResults, split: str, names: Sequence[str], order: Sequence[str]
) -> Figure:
    titles = {
        AXIS_IN: "other factors within the training range",
        AXIS_BEYOND: "another factor beyond its training range",
    }
    by_slice = {slice_: results.rows(slice_, split) for slice_ in titles}
    shown = {slice_: rows for slice_, rows in by_slice.items() if len(rows)}
    all_rows = pd.concat(shown.values())
    floor = axis_start(all_rows["low"])
    figure, axes = new_figure(1, len(shown), 3.3, sharey=True)
    for panel, (slice_, rows) in zip(axes, shown.items(), strict=True):
        for name, style in line_styles(names, order).items():
            _line(panel, rows[rows["name"] == name], results.column, label=name, **style)
        _finish(panel, rows, results, floor)
        if len(shown) > 1:
            panel_title(panel, titles[slice_])
    axes[0].set_ylabel("accuracy", fontsize=TEXT)
    handles = [*axes[0].get_legend_handles_labels()[0], *_background(all_rows, floor)]
    legend(figure, handles, 4, f"{results.axis}: {results.unit}")
    return figure


def _panel_per_setup(
    results: ProbeResults, split: str, names: Sequence[str], order: Sequence[str]
) -> Figure:
    easy, hard = (results.rows(slice_, split) for slice_ in (AXIS_IN, AXIS_BEYOND))
    floor = axis_start(pd.concat([easy, hard])["low"])
    figure, panels = new_panels(names, PANELS, 0.9, 1.25)
    for name, panel in panels.items():
        for _, other in easy[easy["name"] != name].groupby("name"):
            panel.plot(other[results.column], other["accuracy"], color="#d0d0d0", linewidth=0.5)
        style = {"markersize": 2.5, "linewidth": 1.3}
        own, own_hard = (rows[rows["name"] == name] for rows in (easy, hard))
        _line(panel, own_hard, results.column, color=_HARDER, marker="s", linestyle="--", **style)
        _line(panel, own, results.column, color=_OWN, marker="o", **style)
        _finish(panel, easy, results, floor, ticks=5)
    figure.supylabel("accuracy", fontsize=TEXT)
    handles = [Line2D([], [], color=_OWN, marker="o", markersize=3, label="other factors in range")]
    if len(hard):
        style = {"color": _HARDER, "marker": "s", "markersize": 3, "linestyle": "--"}
        handles.append(Line2D([], [], label="another factor beyond its range", **style))
    handles.append(
        Line2D([], [], color="#d0d0d0", linewidth=0.8, label="the other cells, in range")
    )
    legend(figure, [*handles, *_background(easy, floor)], 5, f"{results.axis}: {results.unit}")
    return figure


def _line(panel: Axes, rows: pd.DataFrame, column: str, **style) -> None:
    rows = rows.sort_values(column)
    value = rows[column].astype(float)
    style = {"markersize": 3.5, "linewidth": 1.4, **style}
    if len(rows) > _MAX_MARKERS:
        style["marker"] = ""
    panel.plot(value, rows["accuracy"], **style)
    panel.fill_between(value, rows["low"], rows["high"], color=style["color"], alpha=0.18, lw=0)


def _finish(
    panel: Axes, rows: pd.DataFrame, results: ProbeResults, floor: float, ticks: int = 8
) -> None:
    chance = rows.groupby(results.column)["chance"].mean()
    panel.plot(chance.index.astype(float), chance, color=GREY, linestyle=":", linewidth=1)
    value_axis(panel, [float(value) for value in chance.index], ticks)
    share_axis(panel, "y", floor)
    shade_training(panel, results.training_range(results.column))


def _background(rows: pd.DataFrame, floor: float) -> list[Line2D | Patch]:
    return [chance_key(rows["chance"], floor), Patch(color=SHADE, label="training range")]


def _row_per_setup(names: Sequence[str], panels: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with one row for each setup, the first on top, in each of its panels."""
    figure, axes = new_figure(1, panels, 1.1 + 0.19 * len(names), sharey=True, sharex=True)
    axes[0].set_yticks(range(len(names)), names, parse_math=False)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    for panel in axes:
        panel.tick_params(axis="y", length=0)
    return figure, axes


def plot_errors(results: ProbeResults, split: str, order: Sequence[str]) -> Figure:
    """Draw the share of each kind of error, within and beyond the training range."""
    names = [name for name in order if name in results.names]
    shown = _regions(results, split)
    figure, axes = _row_per_setup(names, len(shown))
    for panel, (slice_, rows) in zip(axes, shown.items(), strict=True):
        rows = rows.set_index("name").reindex(names)
        left = pd.Series(0.0, rows.index)
        for error, (colour, hatch) in _ERRORS.items():
            style = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
            panel.barh(range(len(names)), rows[error], left=left, height=0.7, label=error, **style)
            left += rows[error].fillna(0)
        panel_title(panel, f"{slice_} the training range")
        panel.xaxis.set_major_locator(MaxNLocator(5))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        panel.grid(axis="x", alpha=0.35, linewidth=0.5)
    figure_title(figure, f"{results.probe}: kinds of error ({split} split)")
    legend(figure, axes[0].get_legend_handles_labels()[0], 3, "share of all answers")
    return figure


def _regions(results: ProbeResults, split: str) -> dict[str, pd.DataFrame]:
    regions = {slice_: results.rows(slice_, split) for slice_ in (WITHIN, BEYOND)}
    return {region: rows for region, rows in regions.items() if len(rows)}


def plot_seeds(results: ProbeResults, split: str, order: Sequence[str]) -> Figure:
    """Draw the accuracy of each run as a dot, and the median of each setup as a bar."""
    names = [name for name in order if name in results.names]
    shown = _regions(results, split)
    floor = axis_start(results.runs.loc[results.runs["split"] == split, "accuracy"])
    figure, axes = _row_per_setup(names, len(shown))
    for panel, (slice_, summary) in zip(axes, shown.items(), strict=True):
        of_region = results.runs[
            (results.runs["split"] == split) & (results.runs["within"] == (slice_ == "within"))
        ]
        for number, name in enumerate(names):
            accuracy = of_region.loc[of_region["name"] == name, "accuracy"]
            panel.plot(
                accuracy, [number] * len(accuracy), "o", color=_OWN, alpha=0.55, markersize=4, mew=0
            )
            panel.plot(
                [accuracy.median()] * 2, [number - 0.32, number + 0.32], color="black", lw=1.2
            )
        panel.axvline(summary["chance"].mean(), color=GREY, linestyle=":", linewidth=1)
        panel_title(panel, f"{slice_} the training range")
        panel.grid(axis="y", alpha=0.35, linewidth=0.5)
        share_axis(panel, "x", floor)
    figure_title(figure, f"{results.probe}: accuracy of each run ({split} split)")
    handles = [
        Line2D([], [], marker="o", linestyle="", color=_OWN, markersize=4, label="a run (seed)"),
        Line2D([], [], marker="|", linestyle="", color="black", markersize=8, label="median"),
        chance_key(pd.concat(shown.values())["chance"], floor),
    ]
    legend(figure, handles, 3, "accuracy")
    return figure
