"""What all plots share: size, colours, line styles, axes, and writing them as PNG."""

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

# Width of a page in inches, and the resolution: twice that of a screen.
WIDTH, DPI = 7.2, 200
# The Okabe-Ito palette, safe for colour-blind readers; without yellow, too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
TEXT, SMALL = 8, 7
GREY, SHADE = "#8a8a8a", "#e9eef2"
# More lines than this in one plot are hard to distinguish; then each setup has its own panel.
MAX_LINES = 6
# Small panels in a row.
PANELS = 4
# With more ticks than this, their labels would overlap.
_MAX_TICKS = 8
_MARKERS = "osD^vP*"
_LINES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))


def line_style(number: int) -> dict[str, Any]:
    """Return colour, marker and dashes of the setup with this number; 21 are distinct."""
    shift = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": _MARKERS[(number + shift) % len(_MARKERS)],
        "linestyle": _LINES[shift % len(_LINES)],
    }


def line_styles(names: Sequence[str], order: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour, marker and dashes for each of the setups in a plot.

    A setup's style follows from its place in `order`, all setups of the report, so that it is the
    same in all plots; unless two setups of this plot would have the same colour: then styles
    follow from their places in `names`.
    """
    own = {name: line_style(order.index(name)) for name in names}
    if len({line["color"] for line in own.values()}) == min(len(names), len(COLOURS)):
        return own
    return {name: line_style(number) for number, name in enumerate(names)}


def new_figure(rows: int, columns: int, height: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure as wide as a page, and its panels, row by row.

    Args:
        rows: number of rows of panels.
        columns: number of columns of panels.
        height: height of the figure, in inches.
        shared: options of `Figure.subplots`, such as sharey.
    """
    figure = Figure((WIDTH, height), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for panel in axes:
        panel.tick_params(labelsize=SMALL, length=2.5)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def new_panels(
    names: Sequence[str], columns: int, height: float, each: float
) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with a small panel for each name, and the panels by name.

    All share their axes; the lowest panel of each column shows the values of the x axis.

    Args:
        names: titles of the panels.
        columns: number of columns of panels.
        height: height of everything around the panels, in inches.
        each: height of one row of panels, in inches.
    """
    rows = -(-len(names) // columns)
    figure, axes = new_figure(rows, columns, height + each * rows, sharex=True, sharey=True)
    for panel in axes[len(names) :]:
        panel.set_visible(False)
    for panel in axes[max(0, len(names) - columns) : len(names)]:
        panel.tick_params(labelbottom=True)
    for panel, name in zip(axes, names, strict=False):
        panel_title(panel, name)
    return figure, dict(zip(names, axes, strict=False))


def figure_title(figure: Figure, text: str) -> None:
    """Set the title of a figure."""
    figure.suptitle(text, fontsize=TEXT + 1.5, x=0.01, ha="left", parse_math=False)


def panel_title(panel: Axes, text: str) -> None:
    """Set the title of a panel."""
    panel.set_title(text, fontsize=TEXT, loc="left", parse_math=False)


def value_axis(panel: Axes, values: Sequence[float], ticks: int = _MAX_TICKS) -> None:
    """Scale the x axis for a factor: logarithmic if its values span a factor of 10 or more."""
    values = sorted(set(values))
    if values[0] > 0 and values[-1] >= 10 * values[0]:
        panel.set_xscale("log")
        panel.xaxis.set_minor_locator(NullLocator())
    shown = values
    if len(values) > ticks:
        # 1, 2 and 5 of each decade if there are enough, then every n-th value.
        round_ones = [v for v in values if str(int(v)).rstrip("0") in ("1", "2", "5")]
        shown = round_ones if len(round_ones) >= 3 else values
        shown = shown[:: -(-len(shown) // ticks)]
    panel.set_xticks(shown)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def axis_start(shares: pd.Series) -> float:
    """Return where an axis of shares starts: at 0, or nearer to 1 if all shares are near 1."""
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
    """Return the legend entry for chance; it gives the value if the line is below the axis."""
    label = f"chance ({100 * chance.mean():.0f} %): below" if chance.max() < floor else "chance"
    return Line2D([], [], color=GREY, linestyle=":", label=label)


def shade_training(panel: Axes, trained: tuple[float, float] | None) -> None:
    """Shade the training range on the x axis, from the panel's edge if no value is below it."""
    if trained is None:
        return
    least, most = panel.get_xlim()
    start = least if trained[0] == min(panel.get_xticks(), default=least) else trained[0]
    panel.axvspan(start, trained[1], color=SHADE, zorder=0, linewidth=0)
    panel.set_xlim(least, most)


def legend(figure: Figure, handles: Sequence[Artist], columns: int, x_axis: str) -> None:
    """Put a label for the x axis of all panels below a figure, and a legend below the label."""
    # Rows of about equal length, as few as possible. The label is the title of the legend: a label
    # of the figure would overlap the legend.
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
    """Return a figure as the content of a PNG file."""
    png = io.BytesIO()
    _disable_formulas(figure)
    with warnings.catch_warnings():
        # Characters that the font lacks become boxes; the page has the words as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(png, format="png")
    return png.getvalue()


def _disable_formulas(figure: Figure) -> None:
    """Show all text of a figure as it is, not as formulas: names may contain dollar signs.

    Tick labels are not changed: those of a logarithmic axis are formulas.
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
