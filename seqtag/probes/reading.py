"""Judged runs from their folders: `items.parquet`, `learn.csv` and `run.json`, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from seqtag.errors import InputError
from seqtag.io.trust import read_object, trust
from seqtag.probes.tables import ITEMS, LEARN, RUN, items_schema

_LEARN_COLUMNS = {
    **dict.fromkeys(("run", "probe", "cell", "start", "direction"), "str"),
    **dict.fromkeys(("layers", "hidden", "parameters", "seed", "lag", "budget"), "int64"),
    **{"solved": "bool", "sequences": "int64", "accuracy": "float64"},
}
_AGAIN = "judge the model again"


def find_runs(folders: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the folders of finished runs below some folders, and those of unfinished ones.

    Raises:
        InputError: for a folder that does not exist, or if no run is finished.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "there is no such folder"
            raise InputError(f"{folder}: {what}; `seqtag probe` writes runs to logs/probe")
        found |= {path.resolve(): path.parent for path in sorted(folder.rglob(RUN))}
    done, open_ = [], []
    for folder in found.values():
        (done if read_object(folder / RUN).get("finished") else open_).append(folder)
    if not done:
        where = ", ".join(map(str, folders))
        unfinished = f" ({len(open_)} not finished)" if open_ else ""
        raise InputError(
            f"{where}: no finished run of a probe here or below{unfinished}; "
            "`seqtag probe probe=pronoun` makes one"
        )
    return done, open_


def read_items(folder: Path) -> pd.DataFrame | None:
    """Return a run's judged targets, named after its folder; None where it has none.

    Raises:
        InputError: for a file that cannot be read, or lacks a column.
    """
    path = folder / ITEMS
    if not path.exists():
        return None
    names = trust(path, lambda: pq.read_schema(path).names)
    factors = [name.removeprefix("factor_") for name in names if name.startswith("factor_")]
    schema = items_schema(factors)
    _check_columns(path, schema.names, names)
    items = trust(path, lambda: pq.read_table(path).select(schema.names).cast(schema).to_pandas())
    if items.empty:
        raise InputError(f"{path}: no judged target in it; {_AGAIN}")
    for axis in items["axis"].unique():
        _check_columns(path, [f"factor_{axis}"], names)
    return items.assign(run=str(folder))


def read_learn(folder: Path) -> pd.DataFrame | None:
    """Return the lags that a run trained at, named after its folder; None where it has none.

    Raises:
        InputError: for a file that cannot be read, or lacks a column.
    """
    path = folder / LEARN
    if not path.exists():
        return None
    options = {"keep_default_na": False, "encoding": "utf-8"}
    # Words at first: a column that is missing is named, and not taken for a wrong number.
    table = trust(path, lambda: pd.read_csv(path, dtype=str, **options))
    _check_columns(path, list(_LEARN_COLUMNS), list(table.columns))
    table["solved"] = table["solved"].map({"True": True, "False": False})
    if table["solved"].isna().any():
        raise InputError(f"{path}: column solved must be True or False; {_AGAIN}")
    return trust(path, lambda: table.astype(_LEARN_COLUMNS)).assign(run=str(folder))


def _check_columns(path: Path, needed: Iterable[str], there: Sequence[str]) -> None:
    missing = [name for name in needed if name not in there]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing; {_AGAIN}")
