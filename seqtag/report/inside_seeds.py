"""A picture of silenced units over the seeds of several setups."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqtag.report.style import COLOURS, GREY, PANELS, legend, new_panels, share_axis

_BAND = 0.2
# The order in which units are silenced, the columns that hold its accuracy, and its colour.
_LINES = (
    ("ordered by the effect of the single unit", "accuracy", COLOURS[1]),
    ("random groups", "other", COLOURS[0]),
)
_ORDER = "single unit"


def plot_seeds(rows: pd.DataFrame) -> Figure:
    """Draw accuracy against the share of silenced units: a panel for each setup.

    A line is the median over seeds, a band their range.

    Args:
        rows: rows of inspected runs, see `seqtag.study.inside_results`.
    """
    rows = rows[(rows["kind"] == "silenced") & (rows["table"] == "main")]
    setups = _setups(rows)
    figure, panels = new_panels(list(setups), min(PANELS, len(setups)), 1.0, 1.5)
    for name, own in setups.items():
        _draw(panels[name], own)
    lines = next(iter(panels.values())).get_lines()
    legend(figure, lines, 2, "silenced units, share of all")
    return figure


def _setups(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each setup by its title."""
    found: dict[str, pd.DataFrame] = {}
    for (cell, config), own in rows.groupby(["cell", "config"], sort=True):
        title = f"{cell}, {own['hidden'].iloc[0]} units"
        found[f"{title}, {config}" if title in found else title] = own
    return found


def _draw(panel: Axes, own: pd.DataFrame) -> None:
    units = float(own["hidden"].iloc[0])
    ordered = own[own["order"] == _ORDER]
    for label, column, colour in _LINES:
        by_size = ordered.groupby("size")[column]
        share = by_size.median().index.to_numpy(float) / units
        panel.plot(share, by_size.median(), color=colour, marker="o", markersize=2.5, label=label)
        panel.fill_between(
            share, by_size.min(), by_size.max(), color=colour, alpha=_BAND, linewidth=0
        )
    unchanged = own[own["order"] == "none"]["accuracy"].median()
    panel.axhline(unchanged, color="black", linewidth=0.8, linestyle=":", label="none silenced")
    panel.axhline(own["chance"].median(), color=GREY, label="most frequent label")
    share_axis(panel, "x", 0)
    share_axis(panel, "y", 0)
