"""Pictures of gates, states, gradients and memory inside a tagger.

T words, H hidden units, K lags, P places around an event.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from seqtag.report.style import COLOURS, DPI, WIDTH

# Width of a word's column in a heat map, in inches: in narrower ones words are not readable. With
# more words than fit into the largest width of a picture, only every n-th is shown.
_COLUMN, _WIDEST = 0.13, 60.0
_MAX_WORD_LENGTH = 14
# Ticks take most of the drawing time: for texts with more words than the first number, inner panels
# have no ticks; the second is the number of ticks where not every word is shown.
_TICKS_INSIDE, _MAX_TICKS = 60, 150
_SMALL = 7
# With more rows than this, the numbers of units are not readable.
_MAX_NUMBERED = 16
_MARKERS = "os^Dvx+"
# Panels of single units in a row.
_SMALL_PANELS = 3
# Smaller gradients underflow in float32.
_FLOOR = 1e-38


def plot_trace(
    tokens: Sequence[str],
    labels: Sequence[str],
    values: Mapping[str, np.ndarray],
    titles: Mapping[str, str],
    order: str,
    units: int | Sequence[int] | None = None,
    panels: Sequence[str] | None = None,
) -> Figure:
    """Draw gates and states of one layer over the words: one heat map for each.

    A row is the same unit in all panels.

    Args:
        tokens: the words, shown below the last panel.
        labels: the tagger's labels, shown above the first one.
        values: gates and states by name, each (T, H).
        titles: descriptions of names; names without one are shown alone.
        order: name of the state that orders the units: by the word at which it is farthest from 0.
        units: number of units to draw, those whose state varies most over the words; or the
            units themselves, drawn in this order; None for all.
        panels: names of the gates and states to draw, in this order; None for all.
    """
    chosen = isinstance(units, Sequence)
    rows = np.array(units) if chosen else _rows(values[order], units)
    width = min(_WIDEST, max(WIDTH, 1.6 + _COLUMN * len(tokens)))
    every = 1 if _COLUMN * len(tokens) < _WIDEST else -(-len(tokens) // _MAX_TICKS)
    shared = len(tokens) <= _TICKS_INSIDE
    height = min(1.2, max(0.6, (0.075 if len(rows) <= _MAX_NUMBERED else 0.03) * len(rows)))
    names = list(values) if panels is None else panels
    figure = Figure((width, 1.3 + (height + 0.28) * len(names)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(names), sharex=shared, squeeze=False)[:, 0]
    for panel, name in zip(axes, names, strict=True):
        if not shared:
            panel.set_xticks([])
        _heat_map(panel, values[name][:, rows].T)
        title = f"{name}: {titles[name]}" if name in titles else name
        panel.set_title(title, fontsize=_SMALL + 1, loc="left")
        panel.set_yticks([])
        if len(rows) <= _MAX_NUMBERED:
            panel.set_yticks(range(len(rows)), map(str, rows))
            panel.tick_params(axis="y", labelsize=_SMALL - 2, length=0)
    short = [t if len(t) <= _MAX_WORD_LENGTH else t[: _MAX_WORD_LENGTH - 1] + "…" for t in tokens]
    axes[-1].set_xticks(range(0, len(tokens), every), short[::every], parse_math=False)
    if every > 1:
        axes[-1].set_xlabel(f"one word in {every} is shown", fontsize=_SMALL)
    axes[-1].tick_params(axis="x", labelrotation=90, labelsize=_SMALL, length=2)
    above = axes[0].secondary_xaxis("top")
    above.set_xticks(range(0, len(labels), every), labels[::every], parse_math=False)
    upright = max(map(len, labels)) <= 2
    above.tick_params(labelrotation=0 if upright else 90, labelsize=_SMALL - 1, length=0)
    above.set_xlabel("predicted label", fontsize=_SMALL)
    total = values[order].shape[1]
    shown = f"{len(rows)} of {total} units" if len(rows) < total else f"all {total} units"
    sorting = "" if chosen else f", ordered by the word at which |{order}| is largest"
    figure.supylabel(shown + sorting, fontsize=_SMALL)
    return figure


def plot_gradients(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], dashed: Collection[str] = ()
) -> Figure:
    """Draw the norm of the gradient at each lag, on a logarithmic axis.

    Args:
        curves: by label, lags (K) and norms (K). Norms of 0 are left out.
        dashed: labels of curves drawn with dashes. The n-th dashed curve has the colour of the
            n-th solid one, so that pairs (before and after training) match.
    """
    figure = Figure((WIDTH, 4.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    kinds = {True: 0, False: 0}
    least = 1.0
    for label, (lag_K, norm_K) in curves.items():
        number, kinds[label in dashed] = kinds[label in dashed], kinds[label in dashed] + 1
        shown_K = norm_K > _FLOOR
        least = min([least, *norm_K[shown_K]])
        style = {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.4}
        style |= {"marker": _MARKERS[number % len(_MARKERS)], "markersize": 4, "markevery": 0.1}
        line = (0, (4, 2)) if label in dashed else "-"
        axes.plot(lag_K[shown_K], norm_K[shown_K], label=label, linestyle=line, **style)
    axes.set_yscale("log")
    axes.set_ylim(bottom=least / 3)
    _label(axes, "lag k (tokens before the target)", "mean ‖∂L(t) / ∂state(t − k)‖")
    _legend(axes)
    return figure


def plot_half_lives(lives: Mapping[str, np.ndarray]) -> Figure:
    """Draw the cumulative distribution of the half-lives of each layer's units (H), in tokens.

    The axis begins at a tenth of a token, where units that keep nothing are drawn. Units that keep
    everything have an infinite half-life: they are missing where a curve ends below 100 %.
    """
    figure = Figure((WIDTH, 3.4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    for number, (layer, life_H) in enumerate(lives.items()):
        finite = np.sort(np.maximum(life_H[np.isfinite(life_H)], 0.1))
        share = 100 * np.arange(1, len(finite) + 1) / len(life_H)
        label = f"{layer}: median {np.median(life_H):.3g}"
        colour = COLOURS[number % len(COLOURS)]
        axes.step(finite, share, where="post", color=colour, linewidth=1.4, label=label)
    axes.set_xscale("log")
    axes.set_ylim(0, 100)
    _label(
        axes,
        "half-life of a unit's memory (tokens)",
        "share of units with at most this half-life (%)",
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    _legend(axes)
    return figure


def plot_switch(
    places: np.ndarray,
    panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]],
    event: str,
    apart: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Figure:
    """Draw the share of memory kept around events: a panel for each group of units.

    Below these, there is a small panel for each single unit.

    Args:
        places: places relative to the event (P), in tokens.
        panels: by title and kind of event, the mean and the ends of its interval (P).
        event: description of place 0, for the label of the x axis.
        apart: by name of a unit and kind of event, its mean (P).
    """
    apart = apart or {}
    rows = -(-len(apart) // _SMALL_PANELS)
    height = 2.6 * len(panels) + 1.5 * rows
    figure = Figure((WIDTH, height), dpi=DPI, layout="constrained")
    ratios = [2.6] * len(panels) + [1.5] * rows
    grid = figure.add_gridspec(len(ratios), _SMALL_PANELS, height_ratios=ratios)
    axes = [figure.add_subplot(grid[row, :]) for row in range(len(panels))]
    for number, (name, curves) in enumerate(apart.items()):
        row, column = divmod(number, _SMALL_PANELS)
        panel = figure.add_subplot(grid[len(panels) + row, column])
        for style, mean in enumerate(curves.values()):
            panel.plot(places, mean, linewidth=1.2, color=COLOURS[style])
        panel.axvline(0, color="black", linewidth=0.8, linestyle=":")
        panel.set_ylim(0, 1)
        panel.set_title(name, fontsize=_SMALL + 1, loc="left")
        _label(panel, "", "share kept" if column == 0 else "")
    for panel, (title, bands) in zip(axes, panels.items(), strict=True):
        for number, (kind, (mean, low, high)) in enumerate(bands.items()):
            style = {"color": COLOURS[number], "marker": _MARKERS[number], "markersize": 3}
            panel.plot(places, mean, linewidth=1.4, label=kind, **style)
            panel.fill_between(places, low, high, color=COLOURS[number], alpha=0.2, linewidth=0)
        panel.axvline(0, color="black", linewidth=0.8, linestyle=":")
        marked = {"textcoords": "offset points", "xytext": (3, 3), "fontsize": _SMALL}
        panel.annotate(event, (0, panel.get_ylim()[0]), **marked)
        panel.set_title(title, fontsize=_SMALL + 1, loc="left")
        _label(panel, "", "share of memory kept")
    _label(axes[-1], f"tokens from {event}", "share of memory kept")
    _legend(axes[0])
    return figure


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=_SMALL + 2)
    axes.set_ylabel(y, fontsize=_SMALL + 2)
    axes.tick_params(labelsize=_SMALL + 1)
    axes.grid(alpha=0.3, linewidth=0.5)


def _legend(axes: Axes) -> None:
    """Put the legend to the right of the axes, with lines long enough to show dashes."""
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    axes.legend(fontsize=_SMALL + 1, frameon=False, handlelength=4, **place)


def _rows(state_TH: np.ndarray, units: int | None) -> np.ndarray:
    """Return the units to draw, in the order of the words at which their states peak."""
    total = state_TH.shape[1]
    varied = np.argsort(-state_TH.std(axis=0), kind="stable")[: units or total]
    peak = np.abs(state_TH[:, varied]).argmax(axis=0)
    return varied[np.lexsort((state_TH[peak, varied], peak))]


def _heat_map(panel: Axes, value_HT: np.ndarray) -> None:
    """Draw values: those from 0 to 1 from dark to bright, others in two colours around 0."""
    if value_HT.min() >= 0 and value_HT.max() <= 1:
        least, most, colours = 0.0, 1.0, "cividis"
    else:
        most = float(np.nanpercentile(np.abs(value_HT), 99)) or 1.0
        least, colours = -most, "RdBu_r"
    options = {"aspect": "auto", "interpolation": "nearest", "cmap": colours}
    image = panel.imshow(value_HT, vmin=least, vmax=most, **options)
    bar = panel.figure.colorbar(image, ax=panel, pad=0.01, aspect=12, ticks=[least, most])
    bar.ax.set_yticklabels([f"{least:.2g}", f"{most:.2g}"], fontsize=_SMALL - 1)
