"""Tables of a README about inspected runs: what linear probes read, and silenced units.

A row shows a setup and, where states are read, one of its states: the median over seeds and, in
parentheses, the least and greatest value, in per cent. See `result_tables` for the options.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seqtag.errors import InputError
from seqtag.report.formatting import DASH
from seqtag.study.inside_results import INSPECTIONS, PLACES, READ, SILENCED, SWITCH
from seqtag.study.markdown import median_range, setups, table_text
from seqtag.study.silencing import BY_EFFECT, BY_WEIGHT, NONE


class Wanted(NamedTuple):
    """What a table shows: the table and split of the probe, and the margin in percentage points."""

    probe: str
    table: str
    split: str
    margin: int


def inside_markdown(figure: str, path: Path, wanted: Wanted) -> str:
    """Return a table of a file of inspections.

    Args:
        figure: a key of `FIGURES`.
        path: the file.
        wanted: what to show.

    Raises:
        InputError: if the file has no such rows.
    """
    kind, make = FIGURES[figure]
    rows = INSPECTIONS.read(path)
    for name, value in (("probe", wanted.probe), ("kind", kind), ("table", wanted.table)):
        rows = rows[rows[name] == value]
    if figure in ("read_distance", "switch"):
        rows = rows[rows["split"] == wanted.split]
    if rows.empty:
        raise InputError(f"{path}: no rows of kind {kind} for {wanted._asdict()}")
    return make(rows, wanted)


def fewest_units(own: pd.DataFrame, margin: float) -> tuple[int | None, float]:
    """Return how few silenced units bring one run near chance, and what random groups leave.

    Near chance is an accuracy of at most chance plus the margin, with that size and all larger ones
    that were tested. Without such a size: None, and the accuracy with the largest random groups.

    Args:
        own: the rows of one run in one order, as `SILENCED`.
        margin: the margin, as a share.
    """
    own = own.sort_values("size")
    above = own["accuracy"] > own["chance"] + margin + 1e-9  # of rounding
    near = own[~above[::-1].cummax()[::-1]]
    if near.empty:
        return None, float(own["other"].iloc[-1])
    return int(near["size"].iloc[0]), float(near["other"].iloc[0])


def _read(rows: pd.DataFrame, wanted: Wanted) -> str:
    """Return accuracy, control accuracy and selectivity at all distances, by split."""
    rows = rows[rows["slice"] == "all"]
    head = ["model", "seeds", "state", "split", "accuracy", "control task", "selectivity"]
    lines = []
    for name, own in _states(rows):
        for split, part in own.groupby("split", sort=True):
            figures = (part["accuracy"], part["other"], part["accuracy"] - part["other"])
            lines.append([*_named(name, own), f"`{split}`", *map(median_range, figures)])
    return table_text(head, lines)


def _read_distance(rows: pd.DataFrame, wanted: Wanted) -> str:
    """Return the accuracy of linear probes by the words since the cue."""
    rows = rows[rows["slice"] != "all"]
    names = list(rows["slice"].unique())
    names.sort(key=lambda name: int(name.partition("-")[0]))
    return _by_slice(rows, names)


def _switch(rows: pd.DataFrame, wanted: Wanted) -> str:
    """Return how often the new subject's value is read near it."""
    return _by_slice(rows, [name for name in PLACES if name in set(rows["slice"])])


def _by_slice(rows: pd.DataFrame, names: list[str]) -> str:
    lines = []
    for name, own in _states(rows):
        cells = [median_range(own[own["slice"] == slice_]["accuracy"]) for slice_ in names]
        lines.append([*_named(name, own), *cells])
    shown = [name.replace("-", "–") for name in names]
    return table_text(["model", "seeds", "state", *shown], lines)


def _units(rows: pd.DataFrame, wanted: Wanted) -> str:
    """Return how few silenced units bring the answers near chance, in both orders."""
    head = ["model", "units", "seeds", "right, none silenced"]
    for order in ("single effect", "probe weight"):
        head += [f"fewest units, by {order}", "random groups of that size"]
    lines = []
    for name, own in setups(rows):
        unchanged = own[own["order"] == NONE]["accuracy"]
        line = [f"`{name}`", f"{own['hidden'].iloc[0]}", str(own["seed"].nunique())]
        line.append(median_range(unchanged))
        for order in (BY_EFFECT, BY_WEIGHT):
            runs = own[own["order"] == order].groupby("seed")
            found = [fewest_units(run, wanted.margin / 100) for _, run in runs]
            sizes, random = zip(*found, strict=True) if found else ((), ())
            most = int(own[own["order"] == order]["size"].max()) if found else 0
            line += [_sizes(list(sizes), most), median_range(pd.Series(random))]
        lines.append(line)
    return table_text(head, lines)


def _sizes(sizes: list[int | None], most: int) -> str:
    """Return the median number of units and their range; more than `most` where it is None."""
    if not sizes:
        return DASH
    ordered = sorted(most + 1 if size is None else size for size in sizes)

    def text(size: int) -> str:
        return f"> {most}" if size > most else str(size)

    middle, least, most_ = ordered[(len(ordered) - 1) // 2], ordered[0], ordered[-1]
    return text(middle) if least == most_ else f"{text(middle)} ({text(least)} to {text(most_)})"


def _states(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each state of each setup by the setup's name."""
    return [
        (name, of_state)
        for name, own in setups(rows)
        for _, of_state in own.groupby("state", sort=True)
    ]


def _named(name: str, own: pd.DataFrame) -> list[str]:
    return [f"`{name}`", str(own["seed"].nunique()), f"`{own['state'].iloc[0]}`"]


# The figures that a table can show: the kind of rows, and what makes the table.
FIGURES: dict[str, tuple[str, Callable[[pd.DataFrame, Wanted], str]]] = {
    "read": (READ, _read),
    "read_distance": (READ, _read_distance),
    "switch": (SWITCH, _switch),
    "units": (SILENCED, _units),
}
