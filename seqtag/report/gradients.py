"""Gradients through time: a picture of the curves, and a table of their slopes and lags learned."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from seqtag.report import html
from seqtag.report.formatting import DASH, percent, with_separators
from seqtag.report.style import (
    COLOURS,
    GREY,
    MAX_LINES,
    PANELS,
    TEXT,
    figure_title,
    legend,
    line_styles,
    new_figure,
    new_panels,
    panel_title,
)

# The state whose curves are shown: the output, which every cell has.
STATE = "h"
_WHEN = {"initial": "at initialisation", "trained": "after training"}
# Smaller gradients underflow in float32.
_FLOOR = 1e-38
_FAR = 100


def plot_mean_gradients(curves: pd.DataFrame, probe: str, order: Sequence[str]) -> Figure:
    """Draw the gradient at h against the lag, before and after training, with its range over runs.

    A few setups share two panels (before, after); with many, each has one panel with both curves.

    Args:
        curves: rows of one probe: name, when, state, k, norm, least, most.
        probe: its name.
        order: all setups of the report.
    """
    rows = curves[(curves["state"] == STATE) & (curves["norm"] > _FLOOR)]
    names = [name for name in order if name in set(rows["name"])]
    figure = (_shared_panels if len(names) <= MAX_LINES else _panel_per_setup)(rows, names, order)
    figure_title(figure, f"{probe}: how far back the loss reaches")
    figure.supylabel("mean ‖∂L(t) / ∂h(t − k)‖", fontsize=TEXT)
    return figure


def _shared_panels(rows: pd.DataFrame, names: Sequence[str], order: Sequence[str]) -> Figure:
    figure, axes = new_figure(1, len(_WHEN), 3.3, sharey=True)
    for panel, (when, text) in zip(axes, _WHEN.items(), strict=True):
        for place, (name, style) in enumerate(line_styles(names, order).items()):
            own = rows[(rows["name"] == name) & (rows["when"] == when)]
            # Shifted markers remain visible where lines coincide.
            marks = (0.03 * place, 0.2)
            _line(panel, own, label=name, markevery=marks, markersize=4, **style)
        _finish(panel, rows)
        panel_title(panel, text)
    legend(figure, [*axes[0].get_legend_handles_labels()[0], _range()], 4, _X_AXIS)
    return figure


def _panel_per_setup(rows: pd.DataFrame, names: Sequence[str], order: Sequence[str]) -> Figure:
    figure, panels = new_panels(names, PANELS, 0.9, 1.25)
    for name, panel in panels.items():
        own = rows[rows["name"] == name]
        for style, when in zip(_STYLES, _WHEN, strict=True):
            for _, other in rows[(rows["name"] != name) & (rows["when"] == when)].groupby("name"):
                panel.plot(other["k"], other["norm"], color="#e0e0e0", linewidth=0.5, zorder=0)
            _line(panel, own[own["when"] == when], **style)
        _finish(panel, rows)
    handles = [
        Line2D([], [], label=text, **style)
        for style, text in zip(_STYLES, _WHEN.values(), strict=True)
    ]
    others = Line2D([], [], color="#d0d0d0", linewidth=0.8, label="the other cells")
    legend(figure, [*handles, _range(), others], 4, _X_AXIS)
    return figure


_X_AXIS = "lag k: tokens before the target t"
_STYLES = (
    {"color": COLOURS[1], "linestyle": (0, (4, 2))},
    {"color": COLOURS[0], "linestyle": "-"},
)


def _line(panel: Axes, rows: pd.DataFrame, **style) -> None:
    rows = rows.sort_values("k")
    panel.plot(rows["k"], rows["norm"], linewidth=1.4, **style)
    low, high = rows["least"].clip(lower=_FLOOR), rows["most"]
    panel.fill_between(rows["k"], low, high, color=style["color"], alpha=0.18, lw=0)


def _finish(panel: Axes, rows: pd.DataFrame) -> None:
    panel.set_yscale("log")
    panel.set_ylim(rows["least"].clip(lower=_FLOOR).min() / 3, rows["most"].max() * 3)
    panel.yaxis.set_major_locator(LogLocator(10, numticks=8))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.set_xlim(0, rows["k"].max())
    panel.grid(alpha=0.35, linewidth=0.5)


def _range() -> Patch:
    return Patch(color=GREY, alpha=0.3, label="range over runs")


def slopes_table(
    fitted: pd.DataFrame, learned: pd.DataFrame, order: Sequence[str], max_lag: int
) -> str:
    """Return a table of the lines fitted to the curves, and of the lags that each setup learns.

    Args:
        fitted: rows of one probe: name, when, state, runs, factor, least, most, kept.
        learned: rows of that probe: name, without_gap, longest, tried.
        order: all setups of the report.
        max_lag: the largest lag of the curves.
    """
    own = fitted[fitted["state"] == STATE]
    by_time = {when: own[own["when"] == when].set_index("name") for when in _WHEN}
    reached = learned.set_index("name") if len(learned) else learned
    head = ["", "runs"]
    for text in _WHEN.values():
        head += [f"{text}: factor per step", f"left at lag {_FAR}", "forget gate alone"]
    if len(learned):
        head += ["learns every lag up to", "longest lag learned", "longest lag tried"]
    rows = []
    for name in (name for name in order if name in {*own["name"], *reached.index}):
        runs = max((t.loc[name, "runs"] for t in by_time.values() if name in t.index), default=None)
        row: list[html.Content] = [name, DASH if runs is None else with_separators(runs)]
        for table in by_time.values():
            row += _fitted(table, name)
        if len(learned):
            known = name in reached.index
            columns = ("without_gap", "longest", "tried")
            row += [with_separators(reached.loc[name, c]) if known else DASH for c in columns]
        rows.append(row)
    return html.table(head, rows, _caption(max_lag, len(learned) > 0))


def _fitted(table: pd.DataFrame, name: str) -> list[html.Content]:
    if name not in table.index:
        return [DASH] * 3
    row = table.loc[name]
    factor: html.Content = f"{row['factor']:.3f}"
    if row["least"] < row["most"]:
        factor = (factor, f"{row['least']:.3f} to {row['most']:.3f}")
    kept = DASH if pd.isna(row["kept"]) else f"{row['kept']:.3f}"
    return [factor, _share(row["factor"] ** _FAR), kept]


def _share(share: float) -> str:
    """Return a share in per cent; below 0.1 % as a power of ten, above 1 as a multiple."""
    if share > 1:
        return f"{share:.3g}\N{NO-BREAK SPACE}times"
    return f"{percent(share)}\N{NO-BREAK SPACE}%" if share >= 0.001 else f"{share:.0e}"


def _caption(max_lag: int, learned: bool) -> str:
    text = (
        "Factor per step: by how much the gradient at the output h changes with each token further "
        f"back, from a line fitted to its logarithm at lags 1 to {max_lag}; geometric mean over "
        f"runs, and range. Left at lag {_FAR}: that factor to the power of {_FAR}. Forget gate "
        "alone: the share of memory that the forget gate keeps per step, which ignores the "
        "gradient through the recurrent weights R."
    )
    if learned:
        text += (
            " A lag is learned if more than half of the runs solve it, trained separately at "
            "each lag."
        )
    return text
