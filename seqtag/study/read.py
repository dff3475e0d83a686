"""Read and check the tables that runs write to their folders, see `seqtag.columns`."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seqtag.columns import BASELINES, GRADIENTS, ITEMS, LEARN, MAIN, RUN, SUITE, items_schema
from seqtag.errors import InputError
from seqtag.files import files_of_runs
from seqtag.model_folder.untrusted import read_object, read_untrusted
from seqtag.suites.merging import SHARES

_LEARN_COLUMNS = {
    **dict.fromkeys(("run", "probe", "cell", "start", "direction"), "str"),
    **dict.fromkeys(("layers", "hidden", "parameters", "seed", "lag", "budget"), "int64"),
    **{"solved": "bool", "sequences": "int64", "accuracy": "float64"},
}
_CURVE_COLUMNS = {"when": "str", "state": "str", "k": "int64", "norm": "float64"}
_SLOPE_COLUMNS = {"when": "str", "state": "str", "slope": "float64", "kept": "float64"}
_JUDGED_COLUMNS = {
    **dict.fromkeys(("cell", "start", "direction", "trained"), "str"),
    **dict.fromkeys(("layers", "hidden", "parameters", "seed"), "int64"),
}
_GROUP_COLUMNS = {
    **dict.fromkeys(("suite", "group"), "str"),
    **dict.fromkeys(("n", "left_out"), "int64"),
}
_BASELINE_COLUMNS = {f"baseline_{name}" for name in BASELINES}
_REMEDY = "judge the model again"
# Columns of `items.parquet` that are the same in all rows of a run, and those that may be null.
_CONSTANT = ("cell", "start", "direction", "layers", "hidden", "parameters", "seed", "data_seed")
_NULLABLE = {"lag", *_BASELINE_COLUMNS}
# Columns that files of earlier versions do not have, with the value to fill in: null, or a word.
_ADDED = {**dict.fromkeys(_BASELINE_COLUMNS), "table": MAIN}

# The runs of a verb, and a command for one.
_MADE_BY = {
    "probe": ("a probe", "seqtag probe probe=pronoun"),
    "train": ("a training", "seqtag train"),
}

log = logging.getLogger("seqtag")


class Gradients(NamedTuple):
    """Gradients through time that a run measured.

    Attributes:
        curves: columns run, when, state, k, norm.
        slopes: columns run, when, state, slope, kept: the line fitted to each curve.
    """

    curves: pd.DataFrame
    slopes: pd.DataFrame


def find_runs(
    folders: Sequence[Path], verb: Literal["probe", "train"] = "probe"
) -> tuple[list[Path], list[Path]]:
    """Return the folders of finished runs of a verb below some folders, and of unfinished ones.

    Runs of other verbs are skipped. A run whose record is damaged is left out with a warning.

    Raises:
        InputError: for a folder that does not exist, or if no run is finished.
    """
    done, open_, damaged = [], [], []
    for folder in _folders_with_records(folders, verb):
        try:
            record, config = read_object(folder / RUN), read_config(folder)
        except InputError as error:
            damaged.append(error)
            log.warning("left out: %s", error)
            continue
        if verb == verb_of(config):
            (done if record.get("finished") is True else open_).append(folder)
    if not done and damaged and not open_:
        raise damaged[0]
    if not done:
        where = ", ".join(map(str, folders))
        unfinished = f" ({len(open_)} not finished)" if open_ else ""
        raise InputError(
            f"{where}: no finished run of {_MADE_BY[verb][0]} here or below{unfinished}; "
            f"`{_MADE_BY[verb][1]}` makes one"
        )
    return done, open_


def _folders_with_records(folders: Sequence[Path], verb: str) -> list[Path]:
    """Return the folders of all runs below some folders, each once."""
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "there is no such folder"
            raise InputError(f"{folder}: {what}; `seqtag {verb}` writes runs to logs/{verb}")
        found |= {path.resolve(): path.parent for path in files_of_runs(folder, RUN)}
    return list(found.values())


def verbs_of_runs(folders: Sequence[Path]) -> set[str]:
    """Return the verbs, probe or train, of which there are runs with a readable record."""
    verbs = set()
    for folder in _folders_with_records(folders, "probe"):
        with suppress(InputError):
            verbs.add(verb_of(read_config(folder)))
    return {verb for verb in verbs if verb is not None}


def verb_of(recorded: Mapping[str, Any]) -> str | None:
    """Return the verb that a recorded configuration belongs to: probe, train or another (None)."""
    if "probe" in recorded:
        return "probe"
    return "train" if "optimizer" in recorded else None


def read_config(folder: Path) -> dict[str, Any]:
    """Return the configuration of a run from its record, which leaves out the run's folder.

    Raises:
        InputError: for a record that cannot be read, or whose configuration is not a JSON object.
    """
    config = read_object(folder / RUN).get("config", {})
    if not isinstance(config, dict):
        raise InputError(
            f"{folder / RUN}: config must be a JSON object, not {config!r:.60}; {_REMEDY}"
        )
    return config


def read_items(folder: Path) -> pd.DataFrame | None:
    """Return a run's judged targets, with its folder as column run; None if it has none.

    Raises:
        InputError: for a file that cannot be read, or lacks a column.
    """
    path = folder / ITEMS
    if not path.exists():
        return None
    names = read_untrusted(path, lambda: pq.read_schema(path).names)
    factors = [name.removeprefix("factor_") for name in names if name.startswith("factor_")]
    schema = items_schema(factors)
    needed = [name for name in schema.names if name in names or name not in _ADDED]
    _check_columns(path, needed, names)
    own = pa.schema([schema.field(name) for name in needed])
    items = read_untrusted(path, lambda: pq.read_table(path).select(needed).cast(own).to_pandas())
    added = {name: _ADDED[name] for name in schema.names if name not in needed}
    items = items.assign(**added)[schema.names]
    if items.empty:
        raise InputError(f"{path}: no judged target in it; {_REMEDY}")
    _check_values(path, items, [name for name in needed if name not in _NULLABLE])
    for name in ("probe", "version", "axis", "unit", *_CONSTANT):
        if items[name].nunique() > 1:
            raise InputError(f"{path}: column {name} must be the same in all rows; {_REMEDY}")
    for axis in items["axis"].unique():
        _check_columns(path, [f"factor_{axis}"], names)
    for name in ("p_gold", "chance"):
        if not items[name].between(0, 1).all():
            raise InputError(f"{path}: column {name} must be from 0 to 1; {_REMEDY}")
    return items.assign(run=str(folder))


def read_learn(folder: Path) -> pd.DataFrame | None:
    """Return a run's rows of `learn.csv`, with its folder as column run; None if it has none.

    Raises:
        InputError: for a file that cannot be read, or lacks a column.
    """
    path = folder / LEARN
    if not path.exists():
        return None
    options = {"keep_default_na": False, "encoding": "utf-8"}
    # Read as text first, so that a missing column is reported before wrong values.
    table = read_untrusted(path, lambda: pd.read_csv(path, dtype=str, **options))
    _check_columns(path, list(_LEARN_COLUMNS), list(table.columns))
    table["solved"] = table["solved"].map({"True": True, "False": False})
    if table["solved"].isna().any():
        raise InputError(f"{path}: column solved must be True or False; {_REMEDY}")
    # Older files lack the seed of their items.
    kinds = _LEARN_COLUMNS | ({"data_seed": "int64"} if "data_seed" in table else {})
    table = read_untrusted(path, lambda: table.astype(kinds))
    if table.empty:
        raise InputError(f"{path}: no lag in it; {_REMEDY}")
    _check_values(path, table, _LEARN_COLUMNS)
    return table.assign(run=str(folder), settings="")


def read_gradients(folder: Path) -> Gradients | None:
    """Return a run's gradient curves, with its folder as column run; None if it has none.

    Raises:
        InputError: for a file that cannot be read, or lacks a column.
    """
    path = folder / GRADIENTS
    if not path.exists():
        return None
    curves = read_untrusted(
        path, lambda: pd.read_csv(path, keep_default_na=False, na_values=["nan"])
    )
    _check_columns(path, _CURVE_COLUMNS, list(curves.columns))
    curves = read_untrusted(path, lambda: curves[[*_CURVE_COLUMNS]].astype(_CURVE_COLUMNS))
    _check_values(path, curves, ("when", "state", "k"))
    slopes = _frame(folder / RUN, read_object(folder / RUN).get("gradients"), _SLOPE_COLUMNS)
    return Gradients(curves.assign(run=str(folder)), slopes.assign(run=str(folder)))


def read_groups(folder: Path) -> pd.DataFrame | None:
    """Return a run's row for each group of a suite and the model it judged; None if it has none.

    Shares that a suite does not have are nan.

    Raises:
        InputError: for a file that cannot be read, or lacks a column.
    """
    path = folder / SUITE
    if not path.exists():
        return None
    rows = read_untrusted(path, lambda: json.loads(path.read_text(encoding="utf-8")))
    groups = _frame(path, rows, _GROUP_COLUMNS)
    judged = _frame(folder / RUN, [read_object(folder / RUN).get("judged")], _JUDGED_COLUMNS)
    about = judged[[*_JUDGED_COLUMNS]].iloc[0].to_dict()
    shares = groups.reindex(columns=SHARES)
    shares = read_untrusted(path, lambda: shares.astype("float64"))
    if not ((shares >= -1) & (shares <= 1) | shares.isna()).all(axis=None):
        raise InputError(f"{path}: shares must be from 0 to 1 (gap: from -1); {_REMEDY}")
    return groups[[*_GROUP_COLUMNS]].join(shares).assign(**about, run=str(folder), settings="")


def _check_values(path: Path, table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise an InputError for a column with a missing or an infinite value."""
    for name in columns:
        values = table[name]
        if values.isna().any() or (values.dtype.kind == "f" and np.isinf(values).any()):
            row = int((values.isna() | values.isin([np.inf, -np.inf])).to_numpy().argmax()) + 1
            raise InputError(f"{path}: column {name} has no finite value in row {row}; {_REMEDY}")


def _frame(path: Path, rows: Any, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a list of objects from a JSON file as a frame that has these columns."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: expected a list of JSON objects, not {rows!r:.60}; {_REMEDY}")
    table = pd.DataFrame(rows)
    _check_columns(path, columns, list(table.columns))
    for name, kind in columns.items():
        if kind == "str" and not table[name].map(lambda value: isinstance(value, str)).all():
            raise InputError(f"{path}: column {name} must be text; {_REMEDY}")
    return read_untrusted(path, lambda: table.astype(columns))


def _check_columns(path: Path, needed: Iterable[str], present: Sequence[str]) -> None:
    missing = [name for name in needed if name not in present]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing; {_REMEDY}")
