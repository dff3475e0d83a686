"""Pictures of what linear probes read from states, and of what silenced units change."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqtag.columns import MAIN
from seqtag.report.style import (
    COLOURS,
    GREY,
    MAX_LINES,
    SMALL,
    TEXT,
    figure_title,
    line_style,
    new_figure,
    panel_title,
    share_axis,
)

_BAND = 0.18
# The order of the lines of silenced units; a line keeps its colour in all pictures.
_ORDERS = ("probe weight", "single unit", "given", "random")
_LABELS = {
    "probe weight": "ordered by the weight of the linear probe",
    "single unit": "ordered by the effect of the single unit",
    "given": "the given units",
    "random": "random groups",
}


def plot_inside(tables: dict[str, pd.DataFrame], cell: str) -> Figure:
    """Draw the results of one setup in the main table of the probe: a panel for each kind.

    Args:
        tables: by name, with a column cell: decoding, switch and silencing.
        cell: the setup to draw.
    """
    own = {
        name: table[(table["cell"] == cell) & (table["table"] == MAIN)]
        for name in _DRAWN
        if not (table := tables[name]).empty
    }
    shown = [(name, own[name]) for name in _DRAWN if name in own and len(own[name])]
    figure, axes = new_figure(len(shown), 1, 0.5 + 2.5 * len(shown))
    figure_title(figure, cell)
    for panel, (name, table) in zip(axes, shown, strict=True):
        _DRAWN[name](panel, table)
        _legend(panel)
    return figure


def _decoding(panel: Axes, table: pd.DataFrame) -> None:
    """Draw accuracy and control accuracy by distance, a line for each state."""
    split = table["split"].iloc[-1]
    rows = table[(table["split"] == split) & (table["distance"] != "all")]
    rows = rows.assign(place=pd.factorize(rows["from"], sort=True)[0])
    for number, (state, own) in enumerate(_states(rows)):
        style = line_style(number)
        panel.plot(own["place"], own["accuracy"], label=state, markersize=3, **style)
        panel.fill_between(
            own["place"],
            own["accuracy_low"],
            own["accuracy_high"],
            color=style["color"],
            alpha=_BAND,
            linewidth=0,
        )
        dashes = {**style, "linestyle": (0, (1, 1)), "linewidth": 0.9, "marker": ""}
        panel.plot(own["place"], own["control"], **dashes)
    ticks = rows.drop_duplicates("place").sort_values("place")
    panel.plot(ticks["place"], ticks["majority"], color=GREY, label="most frequent value")
    panel.plot([], [], color=GREY, linestyle=(0, (1, 1)), label="control task")
    panel.set_xticks(ticks["place"], ticks["distance"].str.replace("-", "–"))
    share_axis(panel, "y", 0)
    panel.set_xlabel("words since the cue, or since the start", fontsize=TEXT)
    panel_title(panel, f"Read by a linear probe (split {split})")


def _switch(panel: Axes, table: pd.DataFrame) -> None:
    """Draw how often the old and the new subject's value is read, a pair of lines per state."""
    split = table["split"].iloc[-1]
    rows = table[table["split"] == split]
    for number, (state, own) in enumerate(_states(rows)):
        own = own.sort_values("place")
        colour = COLOURS[number % len(COLOURS)]
        for which, line in (("new", "-"), ("old", (0, (4, 2)))):
            label = state if which == "new" else None
            panel.plot(own["place"], own[which], color=colour, linestyle=line, label=label)
            panel.fill_between(
                own["place"],
                own[f"{which}_low"],
                own[f"{which}_high"],
                color=colour,
                alpha=_BAND,
                linewidth=0,
            )
    panel.plot([], [], color=GREY, label="value of the new subject")
    panel.plot([], [], color=GREY, linestyle=(0, (4, 2)), label="value of the old one")
    panel.axvline(0, color="black", linewidth=0.8, linestyle=":")
    share_axis(panel, "y", 0)
    panel.set_xlabel("words from a new subject", fontsize=TEXT)
    panel_title(panel, f"Around a new subject (split {split})")


def _silencing(panel: Axes, table: pd.DataFrame) -> None:
    """Draw accuracy against the number of silenced units, a line for each order."""
    unchanged = table[table["order"] == "none"]["accuracy"].iloc[0]
    for number, order in enumerate(_ORDERS):
        own = table[table["order"] == order].sort_values("size")
        if own.empty:
            continue
        style = line_style(number)
        panel.plot(own["size"], own["accuracy"], label=_LABELS[order], markersize=3, **style)
        panel.fill_between(
            own["size"],
            own["accuracy_low"],
            own["accuracy_high"],
            color=style["color"],
            alpha=_BAND,
            linewidth=0,
        )
    panel.axhline(unchanged, color="black", linewidth=0.8, linestyle=":", label="no unit silenced")
    panel.axhline(table["chance"].iloc[0], color=GREY, label="most frequent label")
    panel.set_xscale("log", base=2)
    sizes = sorted(set(table["size"]) - {0})
    panel.set_xticks(sizes, list(map(str, sizes)))
    panel.minorticks_off()
    share_axis(panel, "y", 0)
    panel.set_xlabel("silenced units", fontsize=TEXT)
    panel_title(panel, "Right answers with silenced units")


def _states(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each state to draw, by its title.

    If there are too many, of each layer only the last two, its memory and its output; and of these
    the highest layers.
    """
    groups = list(rows.groupby(["layer", "state"], sort=False))
    if len(groups) > MAX_LINES:
        layers = dict.fromkeys(layer for (layer, _), _ in groups)
        groups = [g for layer in layers for g in [g for g in groups if g[0][0] == layer][-2:]]
    return [(f"{layer}, {state}", own) for (layer, state), own in groups[-MAX_LINES:]]


_DRAWN = {"decoding": _decoding, "switch": _switch, "silencing": _silencing}


def _legend(panel: Axes) -> None:
    handles = [h for h in panel.get_legend_handles_labels()[0] if isinstance(h, Line2D)]
    panel.legend(
        handles=handles, fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0)
    )
