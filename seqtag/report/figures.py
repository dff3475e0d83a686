"""Which pictures a report has."""

import io
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from matplotlib.figure import Figure
from PIL import Image

from seqtag.columns import BEYOND, WITHIN
from seqtag.report.gradients import plot_fading
from seqtag.report.lags import plot_lags
from seqtag.report.maps import plot_overview, plot_two_factors
from seqtag.report.plots import plot_accuracy, plot_errors, plot_seeds
from seqtag.report.results import ProbeResults, Results
from seqtag.report.style import as_png

# Plots have few colours, and a palette of as many makes the page a third of the size.
_PALETTE = 256
_LONGEST_NAME = 60


class Picture(NamedTuple):
    """A picture of a report.

    Attributes:
        probe: what it is about; "" for all of them.
        part: of the probe's section: "judged", "learn" or "gradients".
        name: of its file, without the ending.
        caption: what is seen.
        png: the bytes of its file.
    """

    probe: str
    part: str
    name: str
    caption: str
    png: bytes


def pictures(results: Results) -> Iterator[Picture]:
    """Draw all pictures of a report, one after the other."""
    if len(results.probes) > 1 and len(results.names) > 1:
        yield _picture("", "judged", "overview", _overview(results), _OVERVIEW)
    for probe in results.probes:
        yield from _of_probe(probe, results.names)
    for probe, rows in results.learn.groupby("probe", sort=False):
        figure = plot_lags(rows, str(probe), results.names)
        yield _picture(str(probe), "learn", f"{probe}-learn", figure, _LEARN)
    for probe, rows in results.curves.groupby("probe", sort=False):
        figure = plot_fading(rows, str(probe), results.names)
        yield _picture(str(probe), "gradients", f"{probe}-gradients", figure, _GRADIENTS)


_OVERVIEW = (
    "Accuracy of each cell on each probe, all its judged items together, in per cent rounded down. "
    "The colour takes chance out: dark is chance, bright is all right."
)
_ACCURACY = (
    "Accuracy with its 95 % interval, seeds together. Shaded: the training range; dotted: chance. "
    "The axis starts above 0 where nothing is lower."
)
_LEARN = (
    "Sequences seen until a lag was learned, median and range over the runs that learned it, with "
    "training at that lag alone."
)

_GRADIENTS = (
    "How much the loss L at the target moves with the output h of the cell k tokens before: mean "
    "norm of the gradient over items, geometric mean over runs."
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
            f"Accuracy by {probe.axis} and {other}, all other factors together, seeds together. "
            "The frame is around the training range."
        )
        yield _picture(
            probe.probe, "judged", f"{probe.probe}-{probe.axis}-{other}", figure, caption
        )
    if probe.summary[["stale", "capture"]].to_numpy().any():
        caption = (
            "Errors by kind, as shares of all answers: stale was right before, capture is another "
            "that the item holds, wrong is anything else."
        )
        figure = plot_errors(probe, split, order)
        yield _picture(probe.probe, "judged", f"{probe.probe}-errors", figure, caption)
    if probe.runs["seed"].nunique() > 1:
        figure = plot_seeds(probe, split, order)
        caption = "Each run is a dot, the median over seeds a bar. Dotted: chance."
        yield _picture(probe.probe, "judged", f"{probe.probe}-seeds", figure, caption)


def _overview(results: Results) -> Figure:
    titles = {WITHIN: "within the training range", BEYOND: "beyond the training range"}
    found = {}
    for what in ("accuracy", "chance"):
        found[what] = results.by_probe(what).rename(columns=titles, level=0)
    shown = [titles[name] for name in titles if titles[name] in found["accuracy"].columns]
    judged = [name for name in results.names if name in found["accuracy"].index]
    return plot_overview(found["accuracy"], found["chance"], shown, judged)


def _picture(probe: str, part: str, name: str, figure: Figure, caption: str) -> Picture:
    with Image.open(io.BytesIO(as_png(figure))) as image:
        to = io.BytesIO()
        image.convert("RGB").quantize(_PALETTE, dither=Image.Dither.NONE).save(to, "PNG")
    return Picture(probe, part, _file_name(name), caption, to.getvalue())


def _file_name(name: str) -> str:
    """Return a name without what leads out of a folder: names of probes come from files."""
    plain = re.sub(r"[^\w.,=+-]+", "_", name)[:_LONGEST_NAME].lstrip(".")
    if plain == name:
        return name
    return f"{plain}_{zlib.crc32(name.encode('utf-8', 'surrogatepass')):08x}"
