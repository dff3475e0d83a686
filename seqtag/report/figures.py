"""The pictures of a report, with their captions."""

import io
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from matplotlib.figure import Figure
from PIL import Image

from seqtag.columns import BEYOND, WITHIN
from seqtag.report.gradients import plot_mean_gradients
from seqtag.report.lags import plot_lags
from seqtag.report.maps import plot_overview, plot_two_factors
from seqtag.report.plots import plot_accuracy, plot_errors, plot_seeds
from seqtag.report.results import ProbeResults, Results
from seqtag.report.style import as_png

# Plots have few colours: a palette makes the page a third of the size.
_PALETTE = 256
_MAX_NAME_LENGTH = 60


class Picture(NamedTuple):
    """A picture of a report.

    Attributes:
        probe: the probe that it shows; "" for all of them.
        part: the part of the probe's section that it belongs to: "judged", "learn" or "gradients".
        name: the name of its file, without the suffix.
        caption: the text below it.
        png: the content of its PNG file.
    """

    probe: str
    part: str
    name: str
    caption: str
    png: bytes


def pictures(results: Results) -> Iterator[Picture]:
    """Yield all pictures of a report, drawn one after the other."""
    if len(results.probes) > 1 and len(results.names) > 1:
        yield _picture("", "judged", "overview", _overview(results), _OVERVIEW)
    for probe in results.probes:
        yield from _of_probe(probe, results.names)
    for probe, rows in results.learn.groupby("probe", sort=False):
        figure = plot_lags(rows, str(probe), results.names)
        yield _picture(str(probe), "learn", f"{probe}-learn", figure, _LEARN)
    for probe, rows in results.curves.groupby("probe", sort=False):
        figure = plot_mean_gradients(rows, str(probe), results.names)
        yield _picture(str(probe), "gradients", f"{probe}-gradients", figure, _GRADIENTS)


_OVERVIEW = (
    "Accuracy of each cell on each probe, in per cent, rounded down: over all judged combinations "
    "of factors in the test split. The colour is relative to chance: dark is accuracy at chance, "
    "bright is 100 %."
)
_ACCURACY = (
    "Accuracy with its 95 % interval, all seeds together. Shaded: the training range. Dotted: "
    "chance. The accuracy axis starts above 0 if all values are high."
)
_LEARN = (
    "Number of sequences seen in training until a lag was learned, with a separate training for "
    "each lag: median and range over the runs that learned it."
)
_GRADIENTS = (
    "How strongly the loss L at the target depends on the cell's output h, k tokens earlier: norm "
    "of the gradient, mean over items and geometric mean over runs."
)


def _of_probe(probe: ProbeResults, order: list[str]) -> Iterator[Picture]:
    for split in probe.splits:
        figure = plot_accuracy(probe, split, order)
        yield _picture(probe.probe, "judged", f"{probe.probe}-accuracy-{split}", figure, _ACCURACY)
    split = probe.splits[0]
    for column in probe.other_factors:
        other = column.removeprefix("factor_")
        figure = plot_two_factors(probe, column, split, order)
        caption = (
            f"Accuracy by {probe.axis} and {other}, over all values of the other factors, all "
            "seeds together. The frame marks the training range."
        )
        yield _picture(
            probe.probe, "judged", f"{probe.probe}-{probe.axis}-{other}", figure, caption
        )
    if probe.summary[["stale", "capture"]].to_numpy().any():
        caption = (
            "Errors by kind, as shares of all answers. Stale: an answer that was right earlier in "
            "the item. Capture: an answer taken from something else in the item. Wrong: any other."
        )
        figure = plot_errors(probe, split, order)
        yield _picture(probe.probe, "judged", f"{probe.probe}-errors", figure, caption)
    if probe.runs["seed"].nunique() > 1:
        figure = plot_seeds(probe, split, order)
        caption = "Dots: the accuracy of each run. Bars: the median over seeds. Dotted: chance."
        yield _picture(probe.probe, "judged", f"{probe.probe}-seeds", figure, caption)


def _overview(results: Results) -> Figure:
    titles = {WITHIN: "within the training range", BEYOND: "beyond the training range"}
    accuracy, chance = (
        results.by_probe(what).rename(columns=titles, level=0) for what in ("accuracy", "chance")
    )
    shown = [title for title in titles.values() if title in accuracy.columns]
    judged = [name for name in results.names if name in accuracy.index]
    return plot_overview(accuracy, chance, shown, judged)


def _picture(probe: str, part: str, name: str, figure: Figure, caption: str) -> Picture:
    with Image.open(io.BytesIO(as_png(figure))) as image:
        png = io.BytesIO()
        image.convert("RGB").quantize(_PALETTE, dither=Image.Dither.NONE).save(png, "PNG")
    return Picture(probe, part, _file_name(name), caption, png.getvalue())


def _file_name(name: str) -> str:
    """Return a name that is safe as a file name: names of probes are read from files."""
    plain = re.sub(r"[^\w.,=+-]+", "_", name)[:_MAX_NAME_LENGTH].lstrip(".")
    if plain == name:
        return name
    return f"{plain}_{zlib.crc32(name.encode('utf-8', 'surrogatepass')):08x}"
