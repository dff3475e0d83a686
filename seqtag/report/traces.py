"""Pictures of what goes on inside a tagger, and a page to read them offline.

T words, H hidden units.
"""

from __future__ import annotations

import base64
import html
import io
import warnings
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Inches across a page, and the resolution: twice that of a screen.
WIDTH, DPI = 7.2, 200
# A word's column in a heat map, in inches: narrower, and the words could not be read. A picture
# gets no wider than files can be; beyond that not every word is written out.
_COLUMN, _WIDEST = 0.13, 60.0
_LONGEST_WORD = 14
_SMALL = 7
# Okabe and Ito's colours, which the colour-blind tell apart; without yellow, too pale for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = "os^Dvx+"
# What is below underflows in float32.
_FLOOR = 1e-38


def plot_trace(
    tokens: Sequence[str],
    labels: Sequence[str],
    values: Mapping[str, np.ndarray],
    titles: Mapping[str, str],
    order: str,
    units: int | None = None,
) -> Figure:
    """Draw gates and states of one layer as heat maps, one panel each, over the words.

    A row is the same unit in all panels.

    Args:
        tokens: the words, below the last panel.
        labels: the tagger's labels, above the first one.
        values: what is drawn, by name, each (T, H).
        titles: what each name stands for.
        order: the name of the state that puts the units in order: by the word where it is
            farthest from 0.
        units: draw so many, those whose state varies most over the words; None for all.
    """
    rows = _rows(values[order], units)
    width = min(_WIDEST, max(WIDTH, 1.6 + _COLUMN * len(tokens)))
    every = 1 + int(_COLUMN * len(tokens) / _WIDEST)
    height = min(1.2, max(0.6, 0.03 * len(rows)))
    figure = Figure((width, 1.3 + (height + 0.28) * len(values)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(values), sharex=True, squeeze=False)[:, 0]
    for panel, (name, value_TH) in zip(axes, values.items(), strict=True):
        _heat_map(panel, value_TH[:, rows].T)
        panel.set_title(f"{name}: {titles[name]}", fontsize=_SMALL + 1, loc="left")
        panel.set_yticks([])
    short = [t if len(t) <= _LONGEST_WORD else t[: _LONGEST_WORD - 1] + "…" for t in tokens]
    axes[-1].set_xticks(range(0, len(tokens), every), short[::every], parse_math=False)
    axes[-1].tick_params(axis="x", labelrotation=90, labelsize=_SMALL, length=2)
    above = axes[0].secondary_xaxis("top")
    above.set_xticks(range(0, len(labels), every), labels[::every], parse_math=False)
    upright = max(map(len, labels)) <= 2
    above.tick_params(labelrotation=0 if upright else 90, labelsize=_SMALL - 1, length=0)
    above.set_xlabel("predicted label", fontsize=_SMALL)
    total = values[order].shape[1]
    shown = f"{len(rows)} of {total} units" if len(rows) < total else f"all {total} units"
    figure.supylabel(f"{shown}, from those whose {order} peaks first", fontsize=_SMALL)
    return figure


def plot_gradients(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], dashed: Collection[str] = ()
) -> Figure:
    """Draw how large the gradient still is at each lag, on a logarithmic axis.

    Args:
        curves: by label, lags (K) and norms (K). Norms of 0 are left out.
        dashed: labels of curves drawn with dashes; a label takes the colour of the one at the
            same place among those of its kind, so that pairs, before and after training, match.
    """
    figure = Figure((WIDTH, 4.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    kinds = {True: 0, False: 0}
    least = 1.0
    for label, (lag_K, norm_K) in curves.items():
        number, kinds[label in dashed] = kinds[label in dashed], kinds[label in dashed] + 1
        seen_K = norm_K > _FLOOR
        least = min(least, *norm_K[seen_K])
        style = {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.4}
        style |= {"marker": _MARKERS[number % len(_MARKERS)], "markersize": 4, "markevery": 0.1}
        line = (0, (4, 2)) if label in dashed else "-"
        axes.plot(lag_K[seen_K], norm_K[seen_K], label=label, linestyle=line, **style)
    axes.set_yscale("log")
    axes.set_ylim(bottom=least / 3)
    axes.set_xlabel("lag k (tokens before the target)", fontsize=_SMALL + 2)
    axes.set_ylabel("mean ‖∂L(t) / ∂state(t − k)‖", fontsize=_SMALL + 2)
    axes.tick_params(labelsize=_SMALL + 1)
    axes.grid(alpha=0.3, linewidth=0.5)
    _legend(axes)
    return figure


def page(title: str, tokens: Sequence[str], labels: Sequence[str], maps: Mapping[str, Figure]):
    """Return one page of HTML with everything inside it: the words, their labels, the pictures.

    Args:
        title: its heading.
        tokens: the words.
        labels: a label each.
        maps: the pictures, each under its caption.
    """
    words = "".join(
        f"<span class=word>{html.escape(token)}<b>{html.escape(label)}</b></span>"
        for token, label in zip(tokens, labels, strict=True)
    )
    pictures = "".join(
        f'<h2>{html.escape(caption)}</h2><div class=map><img alt="{html.escape(caption)}" '
        f'width="{round(96 * figure.get_figwidth())}" src="data:image/png;base64,'
        f'{base64.b64encode(as_png(figure)).decode()}"></div>'
        for caption, figure in maps.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1><p>{words}</p>{pictures}</html>\n"
    )


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem}.map{overflow-x:auto}"
    ".word{display:inline-block;margin:0 .5em .4em 0;vertical-align:top}"
    ".word b{display:block;font-size:.75em;font-weight:400;color:#555}"
)


def as_png(figure: Figure) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    to = io.BytesIO()
    with warnings.catch_warnings():
        # A script that the font lacks shows as boxes; the page has the words as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(to, format="png")
    return to.getvalue()


def _legend(axes: Axes) -> None:
    """Put the legend beside the axes, its lines long enough to show their dashes."""
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    axes.legend(fontsize=_SMALL + 1, frameon=False, handlelength=4, **place)


def _rows(state_TH: np.ndarray, units: int | None) -> np.ndarray:
    """Return the units to draw, in the order of the words where their states peak."""
    total = state_TH.shape[1]
    varied = np.argsort(-state_TH.std(axis=0), kind="stable")[: units or total]
    peak = np.abs(state_TH[:, varied]).argmax(axis=0)
    return varied[np.lexsort((state_TH[peak, varied], peak))]


def _heat_map(panel: Axes, value_HT: np.ndarray) -> None:
    """Draw shares from 0 to 1 from dark to bright, other values in two colours around 0."""
    if value_HT.min() >= 0 and value_HT.max() <= 1:
        least, most, colours = 0.0, 1.0, "cividis"
    else:
        most = float(np.nanpercentile(np.abs(value_HT), 99)) or 1.0
        least, colours = -most, "RdBu_r"
    options = {"aspect": "auto", "interpolation": "nearest", "cmap": colours}
    image = panel.imshow(value_HT, vmin=least, vmax=most, **options)
    bar = panel.figure.colorbar(image, ax=panel, pad=0.01, aspect=12, ticks=[least, most])
    bar.ax.set_yticklabels([f"{least:.2g}", f"{most:.2g}"], fontsize=_SMALL - 1)
