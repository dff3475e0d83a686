"""How fast the taggers of a study train and tag, as rows of the file STUDY_speed.csv.

Columns of a row:

    study, corpus, model, cell, parameters: see `tagger_results`
    phase         training or tagging
    tokens_per_second, low, high: median over turns, and quartiles
    relative      median over turns of the speed, divided by that of the reference in the same turn
    reference     that model
    turns, batch  number of turns; training sentences in a batch
    clock         cpu: CPU time of one thread; wall: the time that has passed
    seqtag        the version of seqtag that was measured
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seqtag import __version__
from seqtag.files import write_text
from seqtag.study.result_files import RowKind
from seqtag.study.tagger_results import FOLDER

SPEEDS = RowKind(
    subject="corpus",
    columns=(
        *("study", "corpus", "model", "cell", "parameters", "phase"),
        *("tokens_per_second", "low", "high", "relative", "reference"),
        *("turns", "batch", "clock", "seqtag"),
    ),
    whole=("parameters", "turns", "batch"),
    numbers=("tokens_per_second", "low", "high", "relative"),
    key=("study", "corpus", "model", "phase"),
    named=("model", "phase"),
    order=("corpus", "model"),
    budget=("batch", "clock", "turns"),
    origin=(),
)


def speed_file(study: str, results: Path = FOLDER) -> Path:
    """Return the path of the speeds of a study."""
    return results / f"{study}_speed.csv"


def speed_rows(
    speeds: Mapping[str, Sequence[float]],
    about: Mapping[str, Mapping[str, Any]],
    same: Mapping[str, Any],
    reference: str,
) -> list[dict[str, Any]]:
    """Return the rows of one phase.

    Args:
        speeds: for each model the tokens per second of each turn, at least two.
        about: for each model the columns study, corpus, model, cell and parameters.
        same: the columns phase, batch and clock.
        reference: the model that others are compared with.
    """
    rows = []
    for model, values in speeds.items():
        low, middle, high = statistics.quantiles(values, n=4)
        ratios = [a / b for a, b in zip(values, speeds[reference], strict=True)]
        own = {"tokens_per_second": middle, "low": low, "high": high, "turns": len(values)}
        own |= {"relative": statistics.median(ratios), "reference": reference}
        rows.append({**about[model], **same, **own, "seqtag": __version__})
    return rows


def write_speeds(rows: Sequence[Mapping[str, Any]], study: str, results: Path = FOLDER) -> Path:
    """Write the speeds of a study, in place of earlier ones; return the path of the file."""
    table = SPEEDS.typed(pd.DataFrame(rows)[list(SPEEDS.columns)])
    path = speed_file(study, results)
    write_text(path, SPEEDS.text(SPEEDS.merge(table.iloc[:0], table, str(path))))
    return path
