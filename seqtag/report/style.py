"""What all plots share: size, colours, lines, axes, and how they become files."""

import io
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, NullLocator

# Inches across a page, and the resolution: twice that of a screen.
WIDTH, DPI = 7.2, 200
# Okabe and Ito's colours, which the colour-blind tell apart; without yellow, too pale for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
TEXT, SMALL = 8, 7
GREY, SHADE = "#8a8a8a", "#e9eef2"
# So many lines in one plot can still be told apart; beyond, each has a panel of its own.
MOST_LINES = 6
# Small panels in a row.
PANELS = 4
# Ticks at the judged values as long as they do not run into each other.
_MOST_TICKS = 8
_MARKERS = "osD^vP*"
_LINES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))


def line_of(number: int) -> dict[str, Any]:
    """Return colour, marker and dashes of the setup with that number; 21 are distinct."""
    shift = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": _MARKERS[(number + shift) % len(_MARKERS)],
        "linestyle": _LINES[shift % len(_LINES)],
    }


def lines_of(names: Sequence[str], order: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour, marker and dashes for each of the setups in a plot.

    They are the same in all plots of a report, which has the setups in `order`, unless two in
    this one would have the same colour: then it has lines of its own.
    """
    own = {name: line_of(order.index(name)) for name in names}
    if len({line["color"] for line in own.values()}) == min(len(names), len(COLOURS)):
        return own
    return {name: line_of(number) for number, name in enumerate(names)}


def figure_of(rows: int, columns: int, height: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure at a page's width and its panels row by row.

    Args:
        rows: of panels.
        columns: of panels.
        height: of all, in inches.
        shared: what `Figure.subplots` takes, such as sharey.
    """
    figure = Figure((WIDTH, height), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for panel in axes:
        panel.tick_params(labelsize=SMALL, length=2.5)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def panels_of(
    names: Sequence[str], columns: int, height: float, each: float
) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with a small panel for each name, and the panels.

    All share their axes; the lowest panel of each column shows the values of the x axis.

    Args:
        names: the titles of the panels.
        columns: of panels.
        height: of what stands around the panels, in inches.
        each: of a row of panels, in inches.
    """
    rows = -(-len(names) // columns)
    figure, axes = figure_of(rows, columns, height + each * rows, sharex=True, sharey=True)
    for panel in axes[len(names) :]:
        panel.set_visible(False)
    for panel in axes[max(0, len(names) - columns) : len(names)]:
        panel.tick_params(labelbottom=True)
    for panel, name in zip(axes, names, strict=False):
        panel_title(panel, name)
    return figure, dict(zip(names, axes, strict=False))


def title(figure: Figure, text: str) -> None:
    """Put a title over a figure: what is seen."""
    figure.suptitle(text, fontsize=TEXT + 1.5, x=0.01, ha="left", parse_math=False)


def panel_title(panel: Axes, text: str) -> None:
    """Put a title over a panel."""
    panel.set_title(text, fontsize=TEXT, loc="left", parse_math=False)


def value_axis(panel: Axes, values: Sequence[float], ticks: int = _MOST_TICKS) -> None:
    """Scale the x axis for a factor: logarithmic where its values span decades."""
    values = sorted(set(values))
    if values[0] > 0 and values[-1] >= 10 * values[0]:
        panel.set_xscale("log")
        panel.xaxis.set_minor_locator(NullLocator())
    shown = values
    if len(values) > ticks:
        # 1, 2 and 5 of each decade, or every so many values.
        round_ones = [v for v in values if str(int(v)).rstrip("0") in ("1", "2", "5")]
        shown = round_ones if len(round_ones) >= 3 else values
        shown = shown[:: -(-len(shown) // ticks)]
    panel.set_xticks(shown)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def floor_of(shares: pd.Series) -> float:
    """Return where an axis of shares starts: at 0, or nearer to 1 where all of them are there."""
    return max((floor for floor in (0.5, 0.75, 0.9) if floor < shares.min()), default=0.0)


def share_axis(panel: Axes, which: Literal["x", "y"], floor: float) -> None:
    """Scale an axis of a panel for shares from `floor` to 1, in per cent."""
    room = 0.03 * (1 - floor)
    panel.set(**{f"{which}lim": (floor - room, 1 + room)})
    axis = panel.xaxis if which == "x" else panel.yaxis
    axis.set_ticks([floor + (1 - floor) * fifth / 5 for fifth in range(6)])
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axis.grid(alpha=0.35, linewidth=0.5)


def chance_key(chance: pd.Series, floor: float) -> Line2D:
    """Return the key of the line for chance; it says so where that is not in the picture."""
    # Where the line is nowhere to be seen, its value is.
    label = f"chance ({100 * chance.mean():.0f} %): below" if chance.max() < floor else "chance"
    return Line2D([], [], color=GREY, linestyle=":", label=label)


def shade_training(panel: Axes, trained: tuple[float, float] | None) -> None:
    """Shade the training range on the x axis, from the panel's edge where nothing lies before."""
    if trained is None:
        return
    least, most = panel.get_xlim()
    start = least if trained[0] == min(panel.get_xticks(), default=least) else trained[0]
    panel.axvspan(start, trained[1], color=SHADE, zorder=0, linewidth=0)
    panel.set_xlim(least, most)


def legend(figure: Figure, handles: Sequence[Artist], columns: int, x_axis: str) -> None:
    """Put what the x axis of all panels is, and below it a legend, under a figure."""
    # As few rows as there must be, all of them about as full. What the axis is stands as the
    # legend's title, for a label of the figure would lie across the legend.
    rows = -(-len(handles) // columns)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=-(-len(handles) // rows),
        fontsize=SMALL,
        title=x_axis,
        title_fontsize=TEXT,
        frameon=False,
        handlelength=2.8,
    )


def as_png(figure: Figure) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    to = io.BytesIO()
    _write_plainly(figure)
    with warnings.catch_warnings():
        # A script that the font lacks shows as boxes; the page has the words as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(to, format="png")
    return to.getvalue()


def _write_plainly(figure: Figure) -> None:
    """Have no text of a figure read as a formula, for names may hold dollar signs.

    Ticks are left alone: those of a logarithmic axis are formulas.
    """
    ticks = {
        text
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.majorTicks, *axis.minorTicks)
        for text in (tick.label1, tick.label2)
    }
    for text in figure.findobj(Text):
        if text not in ticks:
            text.set_parse_math(False)
