"""`inspect=gradients`: measure gradients through time before and after training."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqtag.columns import CURVES_PICTURE, GRADIENTS
from seqtag.files import open_output
from seqtag.inspect.gradients import gradient_report, write_gradients
from seqtag.probes.base import Probe
from seqtag.report.style import as_png
from seqtag.report.trace_plots import plot_gradients
from seqtag.tagging.tagger import Tagger

log = logging.getLogger("seqtag")

# Number of items that the curves are averaged over.
_ITEMS = 64


def inspect_gradients(
    output: Path,
    lag: int,
    probe: Probe,
    before: Tagger,
    after: Tagger,
    columns: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Write ``gradients.csv`` and ``gradients.png``; return the fitted slopes, one row per curve.

    Args:
        output: the folder to write to.
        lag: the longest lag of the curves.
        probe: the probe whose items the loss is computed on.
        before: the untrained tagger.
        after: the trained tagger.
        columns: the columns that describe the run, see `seqtag.columns`.
    """
    items = probe.generate(_ITEMS, "dev", probe.factors_at_lag(lag), columns["data_seed"])
    curves = gradient_report(before, after, items, lag)
    write_gradients(str(output / GRADIENTS), curves, columns)
    lags = np.arange(lag + 1)
    named = {f"{curve.state}, {curve.when}": (lags, curve.norm_K) for curve in curves}
    figure = plot_gradients(named, [name for name in named if name.endswith("initial")])
    with open_output(str(output / CURVES_PICTURE)) as file:
        file.write(as_png(figure))
    rows = []
    for curve in curves:
        rows.append({"when": curve.when, "state": curve.state, "slope": curve.slope})
        rows[-1] |= {"half_distance": curve.half_distance, "kept": curve.kept}
        log.info(
            "gradient at %s, %s: a factor of %.3f per step, halved after %.1f steps",
            *(curve.state, curve.when, np.exp(curve.slope), curve.half_distance),
        )
    return rows
