"""From the folders of runs to the figures that a report shows."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from seqtag.columns import ITEMS, LEARN, SUITE
from seqtag.errors import InputError
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.report.results import ProbeResults, Results
from seqtag.study.accuracy import SETUP, by_run, count, setup_names, summary, units
from seqtag.study.bootstrap import Outcomes, compare, outcomes
from seqtag.study.differing import differing
from seqtag.study.gradients import mean_curves, mean_slopes
from seqtag.study.ranges import half_lost, lags, learned, unbroken
from seqtag.study.read import (
    read_config,
    read_gradients,
    read_groups,
    read_items,
    read_learn,
)
from seqtag.suites.merging import mean_over_runs

# What distinguishes a setup; which lag it was trained at is another question.
_KEY = ["probe", *(name for name in SETUP if name != "lag")]
# What runs are the same in that only other settings can tell apart.
_SAME = [name for name in (*_KEY, "data_seed") if name != "settings"]
_LEARN_SETUP = ["probe", *(name for name in SETUP if name not in ("regime", "lag"))]
# So many probes are named in the title of a page.
_MOST_NAMES = 5
# What others are compared to, where it was judged.
_REFERENCE = "lstm"


log = logging.getLogger("seqtag")


@dataclass
class _Read:
    """What was read of all runs.

    Attributes:
        counts, outcomes: of each judged run, by probe.
        learned: lags that were trained at.
        curves, slopes: of gradients through time, with the probe.
        groups: of suites, as judged on a probe of the suite's name.
        configs: of all runs, by their folder.
    """

    counts: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    outcomes: dict[str, list[Outcomes]] = field(default_factory=lambda: defaultdict(list))
    learned: list[pd.DataFrame] = field(default_factory=list)
    curves: list[pd.DataFrame] = field(default_factory=list)
    slopes: list[pd.DataFrame] = field(default_factory=list)
    groups: list[pd.DataFrame] = field(default_factory=list)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, folder: Path) -> None:
        """Read the tables of a run's folder.

        Raises:
            InputError: for a table that cannot be read, or no table at all.
        """
        items, learn, groups = read_items(folder), read_learn(folder), read_groups(folder)
        config = read_config(folder)
        if items is None and learn is None and groups is None:
            raise InputError(
                f"{folder}: a run with neither {ITEMS} nor {LEARN} nor {SUITE}; start it again"
            )
        # All is read before anything is kept: a damaged run is left out as a whole.
        if items is not None:
            judged, gradients = units(items), read_gradients(folder)
            probe, counted, run = str(judged["probe"].iloc[0]), count(judged), outcomes(judged)
            self.counts[probe].append(counted)
            self.outcomes[probe].append(run)
            if gradients:
                self.curves.append(gradients.curves.assign(probe=probe))
                self.slopes.append(gradients.slopes.assign(probe=probe))
        self.configs[str(folder)] = config
        if learn is not None:
            self.learned.append(learn.assign(regime="learn"))
        if groups is not None:
            self.groups.append(groups.assign(probe=groups["suite"], regime="suite"))

    def add_settings(self) -> None:
        """Set the column settings: what differs between runs of the same setup and seed."""
        everywhere = [*chain(*self.counts.values()), *self.learned, *self.groups]
        settings = differing(_runs(everywhere), _SAME, self.configs)
        for table in everywhere:
            table["settings"] = table["run"].map(settings)


def gather(runs: Sequence[Path], unfinished: Sequence[Path]) -> tuple[Results, pd.DataFrame]:
    """Return the figures of a report on some runs, and the rows of `summary.csv`.

    Raises:
        InputError: for a table that cannot be read, or two runs that differ in no column.
    """
    read = _Read()
    damaged: list[InputError] = []
    for folder in runs:
        try:
            read_untrusted(folder, partial(read.add, folder))
        except InputError as error:
            log.warning("left out: %s", error)
            damaged.append(error)
    if damaged and len(damaged) == len(runs):
        raise damaged[0]
    read.add_settings()
    by_probe = {p: pd.concat(tables, ignore_index=True) for p, tables in read.counts.items()}
    setups = _setups([*by_probe.values(), *read.learned, *read.groups])
    summaries = {probe: _named(summary(table), setups) for probe, table in by_probe.items()}
    learners = setups[setups["regime"] == "learn"]
    learn = _joined(
        read.learned, ["probe"], lambda rows: _named(lags(rows), learners, _LEARN_SETUP)
    )
    results = Results(
        title=_title(list(dict.fromkeys(setups["probe"]))),
        setups=_setup_rows(setups),
        probes=[
            _probe(summaries[probe], by_probe[probe], read.outcomes[probe], setups)
            for probe in by_probe
        ],
        learn=learn,
        learned=_joined([learn], ["probe"], learned),
        curves=_joined(read.curves, ["probe"], lambda rows: mean_curves(_of_run(rows, setups))),
        slopes=_joined(read.slopes, ["probe"], lambda rows: mean_slopes(_of_run(rows, setups))),
        suites=_joined(read.groups, ["suite"], lambda rows: mean_over_runs(_of_run(rows, setups))),
        notes=_notes(unfinished, damaged),
    )
    return results, pd.concat(summaries.values()) if summaries else pd.DataFrame()


def _joined(
    tables: Sequence[pd.DataFrame], columns: list[str], then: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Return what `then` makes of all tables together; where there are none, one without rows."""
    filled = [table for table in tables if len(table)]
    if not filled:
        return pd.DataFrame(columns=columns)
    return then(pd.concat(filled, ignore_index=True))


def _of_run(table: pd.DataFrame, setups: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the column name: that of its run's setup."""
    return table.assign(name=table["run"].map(setups.groupby("run")["name"].first()))


def _title(probes: Sequence[str]) -> str:
    few = len(probes) <= _MOST_NAMES
    return f"Probes: {', '.join(probes)}" if few else f"{len(probes)} probes"


def _notes(unfinished: Sequence[Path], damaged: Sequence[InputError]) -> list[str]:
    notes = [f"Left out, damaged: {error}." for error in damaged]
    if unfinished:
        folders = ", ".join(map(str, unfinished))
        notes.append(f"Left out, for they are not finished: {folders}.")
    return notes


def _setups(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return a row a run: its probe, setup and seed, and the setup's name.

    Raises:
        InputError: for two runs that are the same in all of these, or versions of a probe.
    """
    runs = _runs(frames)
    for probe, versions in runs.groupby("probe")["version"]:
        if versions.nunique() > 1:
            text = " and ".join(f"{version:g}" for version in sorted(versions.dropna().unique()))
            raise InputError(f"probe {probe}: versions {text} cannot be compared; judge again")
    # The same suite may have been judged group by group.
    generated = runs[runs["regime"] != "suite"]
    twice = generated[generated.duplicated([*_KEY, "seed", "data_seed"], keep=False)]
    if len(twice):
        first, second = twice["run"].iloc[:2]
        raise InputError(
            f"{first} and {second}: the same probe, cell, start, sizes and seed twice; "
            "report on one of them at a time"
        )
    return runs.assign(name=setup_names(runs)).reset_index(drop=True)


def _runs(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return a row a run: its probe with its version, setup and seeds."""
    columns = [*_KEY, "run", "seed", "version", "data_seed"]
    runs = pd.concat([frame.reindex(columns=columns) for frame in frames]).drop_duplicates()
    return runs.sort_values([*_KEY[1:], "probe", "seed"])


def _named(table: pd.DataFrame, setups: pd.DataFrame, key: Sequence[str] = _KEY) -> pd.DataFrame:
    """Return a table with the column name in front: that of each row's setup."""
    names = setups[[*key, "name"]].drop_duplicates(key)
    named = table.merge(names, on=list(key), how="left", validate="many_to_one")
    return named[["name", *table.columns]]


def _setup_rows(setups: pd.DataFrame) -> pd.DataFrame:
    """Return a row of text for each setup, as the page shows it."""
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
