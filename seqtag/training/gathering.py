"""From the folders of runs to the figures that a report shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from seqtag.errors import InputError
from seqtag.probes.bootstrap import Outcomes, compare, outcomes
from seqtag.probes.ranges import half_lost, lags, unbroken
from seqtag.probes.reading import read_items, read_learn
from seqtag.probes.statistics import SETUP, by_run, count, setup_names, summary, units
from seqtag.probes.tables import ITEMS, LEARN
from seqtag.report.results import ProbeResults, Results

# What a setup is told apart by; which lag it was trained at is another question.
_KEY = ["probe", *(name for name in SETUP if name != "lag")]
_LEARN_SETUP = ["probe", *(name for name in SETUP if name not in ("regime", "lag"))]
# What others are compared to, where it was judged.
_REFERENCE = "lstm"


def gather(runs: Sequence[Path], unfinished: Sequence[Path]) -> tuple[Results, pd.DataFrame]:
    """Return the figures of a report on some runs, and the rows of `summary.csv`.

    Raises:
        InputError: for a table that cannot be read, or two runs that differ by nothing told.
    """
    counts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    outcomes_: dict[str, list[Outcomes]] = defaultdict(list)
    learned = []
    for folder in runs:
        items, learn = read_items(folder), read_learn(folder)
        if items is None and learn is None:
            raise InputError(f"{folder}: a run with neither {ITEMS} nor {LEARN}; start it again")
        if items is not None:
            judged = units(items)
            probe = str(judged["probe"].iloc[0])
            counts[probe].append(count(judged))
            outcomes_[probe].append(outcomes(judged))
        if learn is not None:
            learned.append(learn.assign(regime="learn"))
    by_probe = {probe: pd.concat(tables, ignore_index=True) for probe, tables in counts.items()}
    learn = pd.concat(learned, ignore_index=True) if learned else None
    setups = _setups([*by_probe.values(), *([] if learn is None else [learn])])
    summaries = {probe: _named(summary(table), setups) for probe, table in by_probe.items()}
    results = Results(
        title=f"Probes: {', '.join(dict.fromkeys(setups['probe']))}",
        setups=_told(setups),
        probes=[
            _probe(summaries[probe], by_probe[probe], outcomes_[probe], setups)
            for probe in by_probe
        ],
        learn=pd.DataFrame(columns=["probe"]) if learn is None else _learned(learn, setups),
        notes=_notes(unfinished),
    )
    return results, pd.concat(summaries.values()) if summaries else pd.DataFrame()


def _notes(unfinished: Sequence[Path]) -> list[str]:
    if not unfinished:
        return []
    return [f"Left out, for they are not finished: {', '.join(map(str, unfinished))}."]


def _setups(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return a row a run: its probe, setup and seed, and the setup's name.

    Raises:
        InputError: for two runs that are the same in all of these, or versions of a probe.
    """
    told = [*_KEY, "run", "seed"]
    known = [frame.reindex(columns=[*told, "version", "data_seed"]) for frame in frames]
    runs = pd.concat(known).drop_duplicates().sort_values([*_KEY[1:], "probe", "seed"])
    for probe, versions in runs.groupby("probe")["version"]:
        if versions.nunique() > 1:
            text = " and ".join(f"{version:g}" for version in sorted(versions.dropna().unique()))
            raise InputError(f"probe {probe}: versions {text} cannot be compared; judge again")
    twice = runs[runs.duplicated([*_KEY, "seed", "data_seed"], keep=False)]
    if len(twice):
        first, second = twice["run"].iloc[:2]
        raise InputError(
            f"{first} and {second}: the same probe, cell, start, sizes and seed twice; "
            "report on one of them at a time"
        )
    return runs.assign(name=setup_names(runs)).reset_index(drop=True)


def _named(table: pd.DataFrame, setups: pd.DataFrame, key: Sequence[str] = _KEY) -> pd.DataFrame:
    """Return a table with the column name in front: that of each row's setup."""
    names = setups[[*key, "name"]].drop_duplicates(key)
    named = table.merge(names, on=list(key), how="left", validate="many_to_one")
    return named[["name", *table.columns]]


def _told(setups: pd.DataFrame) -> pd.DataFrame:
    """Return what each setup is, as it is shown."""
    rows = []
    for name, group in setups.groupby("name", sort=False):
        row = {"name": name}
        for column in ("cell", "start", "direction", "layers", "hidden", "parameters"):
            values = sorted(set(group[column]))
            row[column] = ", ".join(f"{v:,}" if isinstance(v, int) else str(v) for v in values)
        row["probes"] = str(group["probe"].nunique())
        row["runs"] = str(len(group))
        row["seeds"] = ", ".join(str(seed) for seed in sorted(set(group["seed"])))
        rows.append(row)
    return pd.DataFrame(rows)


def _learned(learn: pd.DataFrame, setups: pd.DataFrame) -> pd.DataFrame:
    return _named(lags(learn), setups[setups["regime"] == "learn"], _LEARN_SETUP)


def _probe(
    table: pd.DataFrame,
    counts: pd.DataFrame,
    runs: Sequence[Outcomes],
    setups: pd.DataFrame,
) -> ProbeResults:
    """Return the figures of one probe from its summary, counts, and runs in the same order."""
    first = counts.iloc[0]
    of_run = dict(zip(setups["run"], setups["name"], strict=True))
    names = [of_run[run] for run in dict.fromkeys(counts["run"])]
    of_cell = table.loc[table["cell"] == _REFERENCE, "name"]
    reference = min(of_cell) if len(of_cell) else names[0]
    results = ProbeResults(
        probe=first["probe"],
        axis=first["axis"],
        unit=first["unit"],
        whole=bool(first["whole"]),
        summary=table,
        runs=_named(by_run(counts), setups),
        half_lost=_named(half_lost(table.drop(columns="name")), setups),
        unbroken=_named(unbroken(counts), setups),
        differences=pd.DataFrame(),
        reference=reference,
    )
    regions = [
        compare(runs, names, reference, results.splits[0], within).assign(within=within)
        for within in (True, False)
    ]
    return replace(results, differences=pd.concat(regions, ignore_index=True))
