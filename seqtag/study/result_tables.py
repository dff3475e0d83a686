"""Tables of a README that are made from files of results, between two comments.

    <!-- results: study=parity probe=parity split=test by=axis figure=scaled -->
    ...
    <!-- end of results -->

The first comment says what the table between the two shows:

    study, probe  the file, and the probe whose rows are shown
    split         the split of the probe; by default test
    table         the table of the probe; by default main
    by            axis: a column for each value of the main factor; region: within and beyond the
                  training range; by default axis
    figure        accuracy, or last (that of the last target of each item); scaled and scaled_last:
                  the same with chance at 0, (figure - chance) / (1 - chance); in per cent.
                  Of a file of inspections: read (linear probes), read_distance (by words since the
                  cue), switch (around a new subject), units (silenced units)
                  Of a study of many probes, without probe=: probes (accuracy within / beyond the
                  range, a row a probe), tasks (the scaled mean over the probes of each task beyond
                  the range, a row a model)
    margin        of units: how near to chance, in percentage points; by default 5
    published     the name of published figures in published.csv, for a last column
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd

from seqtag.checks import AtLeast, AtMost, check_fields
from seqtag.columns import AXIS, BEYOND, MAIN, WITHIN
from seqtag.errors import InputError
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.report.formatting import DASH
from seqtag.study.inside_markdown import FIGURES, Wanted, inside_markdown
from seqtag.study.markdown import median_range, setups, table_text
from seqtag.study.overview_markdown import OVERVIEWS, overview_markdown
from seqtag.study.readme_tables import parse_options, update_blocks
from seqtag.study.result_files import FOLDER
from seqtag.study.results import RUNS

PUBLISHED = "published.csv"


@dataclass(frozen=True)
class Layout:
    """What a table shows, see the module."""

    study: str
    probe: str = ""
    split: str = "test"
    table: str = MAIN
    by: Literal["axis", "region"] = "axis"
    figure: Literal[
        "accuracy",
        "last",
        "scaled",
        "scaled_last",
        "read",
        "read_distance",
        "switch",
        "units",
        "probes",
        "tasks",
    ] = "accuracy"
    published: str = ""
    margin: Annotated[int, AtLeast(0), AtMost(99)] = 5

    def __post_init__(self) -> None:
        check_fields(self, "results")
        if not self.probe and self.figure not in OVERVIEWS:
            raise InputError(f"results: a table with figure={self.figure} needs probe=")


def update_tables(readme: Path, results: Path = FOLDER, write: bool = False) -> bool:
    """Return whether all tables of a README equal what the files of results give.

    Args:
        readme: the README.
        results: the folder of the files.
        write: whether to write the tables that differ.

    Raises:
        InputError: for a comment that cannot be parsed, or names what the files do not have.
    """

    def made(options: str) -> str:
        return markdown(parse_layout(options, str(readme)), results)

    return update_blocks(readme, "results", made, write)


def parse_layout(options: str, where: str) -> Layout:
    """Return the layout that the options of a comment describe.

    Raises:
        InputError: for an option that is unknown, missing or wrong.
    """
    return parse_options(Layout, options, where)


def markdown(layout: Layout, results: Path) -> str:
    """Return a table in Markdown: a row for each setup, the median over seeds and their range.

    Raises:
        InputError: if the files have no such rows.
    """
    path = results / f"{layout.study}.csv"
    if layout.figure in FIGURES:
        shown = Wanted(layout.probe, layout.table, layout.split, layout.margin)
        return inside_markdown(layout.figure, path, shown)
    if layout.figure in OVERVIEWS:
        return overview_markdown(layout.figure, path, layout.table, layout.split)
    rows = RUNS.read(path)
    wanted = {"probe": layout.probe, "split": layout.split, "table": layout.table}
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    slices = [AXIS] if layout.by == "axis" else [WITHIN, BEYOND]
    rows = rows[rows["slice"].isin(slices)]
    if rows.empty:
        raise InputError(f"{path}: no rows for {wanted}")
    columns = rows["value"] if layout.by == "axis" else rows["slice"]
    rows = rows.assign(column=columns, figure=_figure(rows, layout.figure))
    order = sorted(set(rows["column"]), key=lambda c: slices.index(c) if c in slices else c)
    published = _published(layout, results)
    head = ["model", "parameters", "seeds", *map(str, order)]
    head += [f"published: {layout.published}"] * bool(published)
    lines = []
    for name, own in setups(rows):
        line = [f"`{name}`", f"{own['parameters'].iloc[0]:,}", str(own["seed"].nunique())]
        line += [median_range(own[own["column"] == column]["figure"]) for column in order]
        lines.append(line + [published.get(name, DASH)] * bool(published))
    return table_text(head, lines)


def _figure(rows: pd.DataFrame, figure: str) -> pd.Series:
    """Return the figure that a table shows; single targets are their own last ones."""
    value = rows["last"].fillna(rows["accuracy"]) if "last" in figure else rows["accuracy"]
    if not figure.startswith("scaled"):
        return value
    return (value - rows["chance"]) / (1 - rows["chance"])


def _published(layout: Layout, results: Path) -> Mapping[str, str]:
    """Return the published figure of each model, in per cent."""
    if not layout.published:
        return {}
    path = results / PUBLISHED
    table = read_untrusted(path, lambda: pd.read_csv(path, dtype=str, keep_default_na=False))
    own = table[(table["name"] == layout.published) & (table["probe"] == layout.probe)]
    if own.empty:
        raise InputError(f"{path}: no figures of {layout.published} for {layout.probe}")
    return dict(zip(own["cell"], own["value"], strict=True))
