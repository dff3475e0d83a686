"""Tables of a README about a study of many probes, see `result_tables`: by probe, and by task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from seqtag.columns import BEYOND, WITHIN
from seqtag.errors import InputError
from seqtag.report.formatting import DASH, percent
from seqtag.study.markdown import median_range, table_text
from seqtag.study.results import RUNS


def overview_markdown(figure: str, path: Path, table: str, split: str) -> str:
    """Return a table of all probes of a study.

    Args:
        figure: a key of `OVERVIEWS`.
        path: the file of the study.
        table: the table of the probes.
        split: the split of the probes.

    Raises:
        InputError: if the file has no such rows.
    """
    rows = RUNS.read(path)
    rows = rows[rows["slice"].isin([WITHIN, BEYOND])]
    rows = rows[(rows["table"] == table) & (rows["split"] == split)]
    if rows.empty:
        raise InputError(f"{path}: no rows of table {table} and split {split}")
    return OVERVIEWS[figure](rows)


def _by_probe(rows: pd.DataFrame) -> str:
    """Return accuracy within / beyond the training range: a row a probe, a column a model."""
    models = dict(_models(rows))
    lines = []
    for probe, own in rows.groupby("probe", sort=True):
        cells = [_both(own["chance"], own), _both(own["baseline_accuracy"], own)]
        for model in models.values():
            part = model[model["probe"] == probe]
            cells.append(_both(part["accuracy"], part))
        lines.append([f"`{probe}`", *cells])
    return table_text(["probe", "chance", "baseline", *(f"`{name}`" for name in models)], lines)


def _by_task(rows: pd.DataFrame) -> str:
    """Return the mean over the probes of each task beyond the training range, chance at 0."""
    rows = rows[rows["slice"] == BEYOND]
    scaled = (rows["accuracy"] - rows["chance"]) / (1 - rows["chance"])
    rows = rows.assign(scaled=scaled)
    tasks = rows.groupby("task", sort=True)["probe"].nunique()
    lines = []
    for name, own in _models(rows):
        seeds = own.groupby(["task", "seed"])["scaled"].mean()
        cells = [median_range(seeds[task]) if task in seeds else DASH for task in tasks.index]
        lines.append([f"`{name}`", str(own["seed"].nunique()), *cells])
    head = [f"{task} ({count})" for task, count in tasks.items()]
    return table_text(["model", "seeds", *head], lines)


def _models(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each model by name.

    Raises:
        InputError: if two configurations for one probe share a name.
    """
    configs = rows.groupby(["probe", "cell"])["config"].nunique()
    for probe, cell in configs.index[configs > 1]:
        raise InputError(f"two configurations of {cell} for {probe}: keep one in the file")
    return [(str(cell), own) for cell, own in rows.groupby("cell", sort=True)]


def _both(values: pd.Series, rows: pd.DataFrame) -> str:
    """Return the medians within / beyond the range."""
    medians = (values[rows["slice"] == name].median() for name in (WITHIN, BEYOND))
    return " / ".join(map(percent, medians))


OVERVIEWS: dict[str, Callable[[pd.DataFrame], str]] = {"probes": _by_probe, "tasks": _by_task}
