"""The runs whose taggers `seqtag inspect` is given, and the rows of their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from seqtag.errors import InputError
from seqtag.model_folder.config import WEIGHTS
from seqtag.study.inside import Inside, memory_state, output_state, top_layer
from seqtag.study.inside_results import INSPECTIONS, rows_of_inspection
from seqtag.study.read import find_runs
from seqtag.study.results import judged_run
from seqtag.tagging.tagger import Tagger


class InspectedRun(NamedTuple):
    """A run: its model folder, and the columns that describe it, see `results`."""

    model: Path
    about: Mapping[str, Any]


def find_inspected(folders: Sequence[Path]) -> list[InspectedRun]:
    """Return the finished runs in and below some folders.

    Raises:
        InputError: if there is none, or one that did not train a tagger.
    """
    runs, _ = find_runs(folders)
    found = []
    for run in runs:
        _, about = judged_run(run, "")
        if not (run / "model" / WEIGHTS).is_file():
            raise InputError(f"{run}: the folder model/ is missing; train this run again")
        found.append(InspectedRun(run / "model", about))
    return found


def rows_of_runs(
    runs: Sequence[InspectedRun],
    taggers: Sequence[Tagger],
    single: Sequence[Inside],
    layer: str | None,
    about: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the rows of all runs, of the memory and the output of one layer.

    Args:
        runs: the runs.
        taggers: their taggers.
        single: the results of each.
        layer: the layer; None: the top one.
        about: columns that describe the inspection.
    """
    tables = []
    for run, tagger, inside in zip(runs, taggers, single, strict=True):
        own = layer or top_layer(tagger)
        states = tuple(dict.fromkeys((memory_state(tagger), output_state(tagger))))
        tables.append(rows_of_inspection(inside, {**run.about, **about}, states, own))
    return INSPECTIONS.typed(pd.concat(tables, ignore_index=True))
