"""Heat maps: accuracy by two factors for each setup, and of all setups on all probes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from seqtag.report.results import ProbeResults
from seqtag.report.style import SMALL, TEXT, figure_title, new_figure, new_panels, panel_title

_COLOURS = "cividis"
# Above this share the map is light, so that text on it is dark.
_LIGHT = 0.55


def plot_two_factors(
    results: ProbeResults, column: str, split: str, order: Sequence[str]
) -> Figure:
    """Draw accuracy by the axis and a second factor, one map for each setup.

    Accuracy is over all values of the remaining factors. A frame marks the training range.
    """
    names = [name for name in order if name in results.names]
    rows = results.rows("factors", split)
    rows = rows.assign(right=rows["accuracy"] * rows["n"])
    sums = rows.groupby(["name", column, results.column])[["right", "n"]].sum()
    accuracy = (sums["right"] / sums["n"]).unstack(results.column)
    inside = rows[rows["within"]]
    few = len(names) <= 6
    columns = min(len(names), 2 if few else 4)
    each = 0.75 + 0.16 * rows[column].nunique() if few else 0.45 + 0.13 * rows[column].nunique()
    figure, panels = new_panels(names, columns, 0.8, each)
    for name, panel in panels.items():
        table = accuracy.loc[name]
        image = _draw(panel, table, numbers=few and table.shape[1] <= 10, digits=1)
        _frame(panel, table, inside[column].unique(), inside[results.column].unique())
    other = column.removeprefix("factor_")
    figure_title(figure, f"{results.probe}: accuracy by {results.axis} and {other} ({split} split)")
    figure.supxlabel(f"{results.axis}: {results.unit}", fontsize=TEXT)
    figure.supylabel(other, fontsize=TEXT)
    _bar(figure, image, figure.axes, "accuracy")
    return figure


def plot_overview(
    accuracy: pd.DataFrame, chance: pd.DataFrame, titles: Sequence[str], order: Sequence[str]
) -> Figure:
    """Draw the accuracy of all setups on all probes, a panel for each region.

    The colour shows where an accuracy lies between chance and 100 %; the number is the accuracy
    itself, in per cent.

    Args:
        accuracy: one row for each setup; columns (title, probe).
        chance: the same for chance.
        titles: titles of the panels, from the top.
        order: the setups, from the top.
    """
    height = 1.3 + len(titles) * (0.45 + 0.17 * len(order))
    figure, axes = new_figure(len(titles), 1, height, sharex=True)
    probes = list(dict.fromkeys(accuracy.columns.get_level_values(1)))
    for panel, name in zip(axes, titles, strict=True):
        shares = accuracy[name].reindex(index=order, columns=probes)
        floor = chance[name].reindex(index=order, columns=probes)
        above = ((shares - floor) / (1 - floor)).clip(0, 1)
        image = _draw(panel, above, numbers=True, shown=shares)
        panel_title(panel, name)
        panel.tick_params(axis="x", rotation=60)
        for text in panel.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    figure_title(figure, "All cells on all probes: accuracy in per cent")
    _bar(figure, image, axes, "from chance (0 %) to all answers right (100 %)")
    return figure


def _draw(
    panel: Axes,
    table: pd.DataFrame,
    numbers: bool,
    shown: pd.DataFrame | None = None,
    digits: int = 0,
) -> AxesImage:
    """Draw a table of shares as a map, its first row on top; missing values stay white.

    With `numbers`, the shares (or those of `shown`) are also written into it, in per cent.
    """
    shares = table.to_numpy(float)
    options = {"aspect": "auto", "cmap": _COLOURS, "interpolation": "nearest"}
    image = panel.imshow(np.ma.masked_invalid(shares), vmin=0, vmax=1, **options)
    every = 1 + (table.shape[1] - 1) // (25 if numbers else 8)
    panel.set_xticks(range(0, table.shape[1], every), map(str, table.columns[::every]))
    panel.set_yticks(range(table.shape[0]), map(str, table.index))
    for labels in (panel.get_xticklabels(), panel.get_yticklabels()):
        for label in labels:
            label.set_parse_math(False)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    if numbers:
        written = shares if shown is None else shown.to_numpy(float)
        for (row, column), share in np.ndenumerate(written):
            if np.isfinite(share):
                colour = "black" if shares[row, column] > _LIGHT else "white"
                place = {"ha": "center", "va": "center", "fontsize": SMALL - 1}
                panel.text(column, row, _number(share, digits), color=colour, **place)
    return image


def _number(share: float, digits: int) -> str:
    """Return a share in per cent, rounded down: only a share of 1 becomes 100."""
    scale = 10**digits
    return "100" if share == 1 else f"{np.floor(100 * scale * share + 1e-9) / scale:.{digits}f}"


def _frame(panel: Axes, table: pd.DataFrame, rows: Sequence, columns: Sequence) -> None:
    """Draw a frame around the part of a map that lies in the training range."""
    row = np.flatnonzero(table.index.isin(rows))
    column = np.flatnonzero(table.columns.isin(columns))
    if len(row) and len(column):
        corner = (column[0] - 0.5, row[0] - 0.5)
        size = (column[-1] - column[0] + 1, row[-1] - row[0] + 1)
        style = {"fill": False, "edgecolor": "#D55E00", "linewidth": 1.4, "clip_on": False}
        panel.add_patch(Rectangle(corner, *size, **style))


def _bar(figure: Figure, image: AxesImage, axes: Sequence[Axes], label: str) -> None:
    bar = figure.colorbar(image, ax=list(axes), pad=0.01, aspect=30, format=PercentFormatter(1))
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)
