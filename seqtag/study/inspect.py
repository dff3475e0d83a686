"""`inspect=gradients`: how far back the loss reaches, before training and after."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqtag.columns import CURVES_PICTURE, GRADIENTS
from seqtag.errors import InputError, unknown
from seqtag.files import open_output
from seqtag.inspect.gradients import gradient_report, write_gradients
from seqtag.probes.base import Probe
from seqtag.report.style import as_png
from seqtag.report.trace_plots import plot_gradients
from seqtag.tagging.tagger import Tagger

log = logging.getLogger("seqtag")

KINDS = ("gradients",)
# Items that the curves are means over.
_ITEMS = 64


def check_inspect(config: Mapping[str, Any], probe: Probe) -> None:
    """Raise InputError for a wrong `inspect`, or a lag that the probe does not have."""
    kind, lag = config["inspect"], config["inspect_lag"]
    if kind is None:
        return
    if kind not in KINDS:
        raise unknown("inspect", kind, KINDS)
    if config["model_dir"] is not None or config["regime"]["name"] != "reach":
        raise InputError(
            f"inspect={kind} compares before and after a training of regime=reach: leave out "
            "model_dir= and regime=learn"
        )
    if config["model"]["bidirectional"]:
        raise InputError(
            f"inspect={kind}: a tagger that reads both ways has no one direction in which its "
            "gradient fades: take model.bidirectional=false"
        )
    if config["model"]["subword_size"]:
        raise InputError(
            f"inspect={kind}: a tagger that reads pieces of words has no lags in words: take "
            "model.subword_size=0"
        )
    if isinstance(lag, bool) or not isinstance(lag, int) or lag < 1:
        raise InputError(f"inspect_lag must be a whole number of at least 1, not {lag!r}")
    probe.generate(0, "dev", probe.at_lag(lag), 0)


def inspect_gradients(
    config: Mapping[str, Any],
    probe: Probe,
    before: Tagger,
    after: Tagger,
    columns: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Write ``gradients.csv`` and ``gradients.png``; return the fitted slopes, a row a curve."""
    output, lag = Path(config["paths"]["output_dir"]), config["inspect_lag"]
    items = probe.generate(_ITEMS, "dev", probe.at_lag(lag), columns["data_seed"])
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
            "gradient at %s, %s: a factor of %.3f a step, half of it left after %.1f steps",
            *(curve.state, curve.when, np.exp(curve.slope), curve.half_distance),
        )
    return rows
