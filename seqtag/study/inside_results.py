"""Results of inspected runs as rows of small CSV files, to which inspections add up.

`seqtag inspect` writes them for runs of `seqtag probe`. Columns of a row:

    study to seqtag  describe the run, see `results`
    sentences, inspect_seed: how many sentences of each kind were read, and their seed
    control, fill: whose word the control task takes; what is read of a silenced unit
    kind          "read": what a linear probe reads from a state; "switch": the same around a new
                  subject; "silenced": the answers with silenced units
    table, split  of the sentences
    layer, state  what is read; the layer whose units are silenced
    order         the order in which units are silenced: "none", "probe weight" or "single unit"
    slice         read: words since the cue, or "all"; switch: words from the new subject
    size          number of silenced units
    n             number of answers
    accuracy, low, high: share of right answers with its 95 % interval; of a switch, the share of
                  the new subject's value
    other, other_low, other_high: what that is compared with: the accuracy of the control task; the
                  share of the old subject's value; the accuracy with random groups of that size
    chance        the share of the most frequent value
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seqtag.columns import MAIN
from seqtag.errors import InputError
from seqtag.study.inside import Inside
from seqtag.study.result_files import FOLDER, RowKind, check_study
from seqtag.study.silencing import BY_EFFECT, BY_WEIGHT, NONE, RANDOM

# The file of an inspection.
INSIDE = "inside.csv"
READ, SWITCH, SILENCED = "read", "switch", "silenced"
_OF_RUN = (
    *("probe", "version", "encoder", "cell", "start", "layers", "hidden", "parameters"),
    *("config", "seed", "data_seed", "sequences"),
)
INSPECTIONS = RowKind(
    columns=(
        *("study", *_OF_RUN, "seqtag", "sentences", "inspect_seed", "control", "fill"),
        *("kind", "table", "split", "layer", "state", "order", "slice", "size", "n"),
        *("accuracy", "low", "high", "other", "other_low", "other_high", "chance"),
    ),
    whole=(
        *("version", "layers", "hidden", "parameters", "seed", "data_seed", "sequences"),
        *("sentences", "inspect_seed", "size", "n"),
    ),
    numbers=("accuracy", "low", "high", "other", "other_low", "other_high", "chance"),
    key=(
        *("study", "probe", "config", "encoder", "cell", "seed", "data_seed"),
        *("kind", "table", "split", "layer", "state", "order", "slice", "size"),
    ),
    named=("kind", "split", "layer", "state", "order", "slice", "size"),
    order=(
        *("probe", "encoder", "cell", "config", "seed"),
        *("kind", "table", "split", "layer", "state", "order", "size"),
    ),
    budget=(
        *("version", "data_seed", "sequences"),
        *("sentences", "inspect_seed", "control", "fill"),
    ),
    origin=("seqtag",),
)
# The split whose sentences are of the training range.
_TRAINED = "dev"
# Ranges of places around a new subject: the words before it, the subject, and words after it.
PLACES = {"before": (-4, -1), "0": (0, 0), "1": (1, 1), "2-3": (2, 3), "4-12": (4, 12)}


def rows_of_inspection(
    inside: Inside, about: Mapping[str, Any], states: Sequence[str], layer: str
) -> pd.DataFrame:
    """Return the rows of one inspected run.

    Args:
        inside: its results.
        about: the columns that describe the run and the inspection.
        states: the states whose rows are kept; only the first has rows by distance.
        layer: the layer whose rows are kept, and whose units were silenced.
    """
    known = {name: about.get(name) for name in INSPECTIONS.columns}
    figures = [*_read(inside, states, layer), *_switch(inside, states, layer)]
    if not inside.silencing.empty:
        figures += _silenced(inside.silencing)
    rows = [{**known, "layer": layer, **own} for own in figures]
    return INSPECTIONS.typed(pd.DataFrame(rows, columns=list(INSPECTIONS.columns)))


def add_inspections(folders: Sequence[Path], study: str, results: Path = FOLDER) -> tuple[int, int]:
    """Add the runs that were inspected in and below some folders to the file of a study.

    Returns:
        The number of runs, and the number of rows that were new.

    Raises:
        InputError: for a folder without inspected runs, or as `RowKind.add` does.
    """
    check_study(study)
    files = inspection_files(folders)
    if not files:
        where = ", ".join(map(str, folders))
        raise InputError(f"{where}: no {INSIDE} here or below; `seqtag inspect RUNS` writes it")
    new = pd.concat([INSPECTIONS.read(file) for file in files], ignore_index=True)
    runs = new.drop_duplicates(["probe", "cell", "config", "seed", "data_seed"])
    return len(runs), INSPECTIONS.add(new.assign(study=study), study, results)


def inspection_files(folders: Sequence[Path]) -> list[Path]:
    """Return the files that inspections have written in and below some folders."""
    return [file for folder in folders for file in sorted(folder.rglob(INSIDE))]


def _read(inside: Inside, states: Sequence[str], layer: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of linear probes; by distance only the first state in the judged range."""
    table = inside.decoding
    table = table[(table["layer"] == layer) & table["state"].isin(states)]
    for _, row in table.iterrows():
        by_distance = row["distance"] != "all"
        of_first = row["state"] == states[0] and row["split"] != _TRAINED
        if by_distance and not (of_first and row["table"] == MAIN):
            continue
        own = {name: row[name] for name in ("table", "split", "state", "n")}
        own |= {"kind": READ, "slice": row["distance"], "chance": row["majority"]}
        yield own | _compared(row, "accuracy", row, "control")


def _switch(inside: Inside, states: Sequence[str], layer: str) -> Iterator[dict[str, Any]]:
    """Yield the rows around new subjects in the judged range, in ranges of places."""
    table = inside.switch
    if table.empty:
        return
    table = table[(table["layer"] == layer) & table["state"].isin(states)]
    table = table[(table["table"] == MAIN) & (table["split"] != _TRAINED)]
    for (split, state), own in table.groupby(["split", "state"], sort=False):
        for name, (first, last) in PLACES.items():
            near = own[own["place"].between(first, last)]
            if near.empty:
                continue
            mean = {which: (near[which] * near["n"]).sum() / near["n"].sum() for which in _VALUES}
            yield {
                **{"kind": SWITCH, "table": MAIN, "split": split, "state": state, "slice": name},
                **{"n": near["n"].sum(), "accuracy": mean["new"], "other": mean["old"]},
            }


_VALUES = ("new", "old")


def _silenced(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of silenced units, each with the random groups of that size."""
    main = table[table["table"] == MAIN]
    random = main[main["order"] == RANDOM].set_index("size")
    for _, row in main[main["order"].isin([NONE, BY_WEIGHT, BY_EFFECT])].iterrows():
        own = {name: row[name] for name in ("table", "order", "size", "n", "chance")}
        compared = random.loc[row["size"]] if row["order"] != NONE else None
        yield (
            own
            | {"kind": SILENCED, "split": _TRAINED}
            | _compared(row, "accuracy", compared, "accuracy")
        )


def _compared(
    row: pd.Series, name: str, other: pd.Series | None, other_name: str
) -> dict[str, Any]:
    """Return a figure and another one with the ends of their intervals, as columns."""
    ends = (("", ""), ("_low", "low"), ("_high", "high"))
    own = {to or "accuracy": row[f"{name}{end}"] for end, to in ends}
    if other is None:
        return own
    return own | {f"other_{to}" if to else "other": other[f"{other_name}{end}"] for end, to in ends}
