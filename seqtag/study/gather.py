"""Read the folders of runs and compute the figures that a report shows."""

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
from seqtag.study.accuracy import (
    SETUP,
    accuracy_by_run,
    answers_of,
    count_answers,
    main_table,
    setup_names,
    summary,
)
from seqtag.study.bootstrap import ItemCounts, compare, item_counts
from seqtag.study.differing import differing_settings
from seqtag.study.gradients import mean_curves, mean_slopes
from seqtag.study.ranges import d50_table, lags, learned_lags, solved_up_to
from seqtag.study.read import (
    read_config,
    read_gradients,
    read_groups,
    read_items,
    read_learn,
)
from seqtag.suites.merging import mean_over_runs

# Columns that identify a setup on a probe; a setup may be trained at several lags.
_KEY = ["probe", *(name for name in SETUP if name != "lag")]
# Columns that are equal in runs which only other settings distinguish.
_SAME = [name for name in (*_KEY, "data_seed") if name != "settings"]
_LEARN_SETUP = ["probe", *(name for name in SETUP if name not in ("regime", "lag"))]
# The title of a page names up to this many probes.
_MAX_NAMES = 5
# The cell that others are compared to, if it was judged.
_REFERENCE = "lstm"


log = logging.getLogger("seqtag")


@dataclass
class _Read:
    """Tables read from all runs.

    Attributes:
        counts: counts of answers of each judged run, by probe.
        item_counts: right answers on each item, of each judged run, by probe.
        learned: rows of ``learn.csv``.
        curves, slopes: of gradients through time, with the probe.
        groups: groups of suites, as if judged on a probe with the suite's name.
        configs: the configuration of each run, by its folder.
    """

    counts: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    item_counts: dict[str, list[ItemCounts]] = field(default_factory=lambda: defaultdict(list))
    learned: list[pd.DataFrame] = field(default_factory=list)
    curves: list[pd.DataFrame] = field(default_factory=list)
    slopes: list[pd.DataFrame] = field(default_factory=list)
    groups: list[pd.DataFrame] = field(default_factory=list)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, folder: Path) -> None:
        """Read the tables of a run's folder.

        Raises:
            InputError: for a table that cannot be read, or a run without any table.
        """
        items, learn, groups = read_items(folder), read_learn(folder), read_groups(folder)
        config = read_config(folder)
        if items is None and learn is None and groups is None:
            raise InputError(
                f"{folder}: a run with neither {ITEMS} nor {LEARN} nor {SUITE}; start it again"
            )
        # All files are read before any table is stored: a damaged run is left out as a whole.
        if items is not None:
            judged, gradients = answers_of(items), read_gradients(folder)
            probe = str(judged["probe"].iloc[0])
            counts, by_item = count_answers(judged), item_counts(main_table(judged))
            self.counts[probe].append(counts)
            self.item_counts[probe].append(by_item)
            if gradients:
                self.curves.append(gradients.curves.assign(probe=probe))
                self.slopes.append(gradients.slopes.assign(probe=probe))
        self.configs[str(folder)] = config
        if learn is not None:
            self.learned.append(learn.assign(regime="learn"))
        if groups is not None:
            self.groups.append(groups.assign(probe=groups["suite"], regime="suite"))

    def add_settings(self) -> None:
        """Fill the column `settings`, which says how runs of the same setup and seed differ."""
        everywhere = [*chain(*self.counts.values()), *self.learned, *self.groups]
        settings = differing_settings(_runs(everywhere), _SAME, self.configs)
        for table in everywhere:
            table["settings"] = table["run"].map(settings)


def gather(runs: Sequence[Path], unfinished: Sequence[Path]) -> tuple[Results, pd.DataFrame]:
    """Return the figures of a report on these runs, and the rows of `summary.csv`.

    Damaged runs are left out, and named in the notes of the report.

    Args:
        runs: folders of finished runs.
        unfinished: folders that the notes of the report list as left out.

    Raises:
        InputError: if all runs are damaged, two runs have the same probe, setup and seeds, or runs
            used different versions of a probe.
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
            _probe(summaries[probe], by_probe[probe], read.item_counts[probe], setups)
            for probe in by_probe
        ],
        learn=learn,
        learned_lags=_joined([learn], ["probe"], learned_lags),
        curves=_joined(read.curves, ["probe"], lambda rows: mean_curves(_of_run(rows, setups))),
        slopes=_joined(read.slopes, ["probe"], lambda rows: mean_slopes(_of_run(rows, setups))),
        suites=_joined(read.groups, ["suite"], lambda rows: mean_over_runs(_of_run(rows, setups))),
        notes=_notes(unfinished, damaged),
    )
    return results, pd.concat(summaries.values()) if summaries else pd.DataFrame()


def _joined(
    tables: Sequence[pd.DataFrame], columns: list[str], then: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Return `then(all tables concatenated)`; an empty table if none of them has rows."""
    filled = [table for table in tables if len(table)]
    if not filled:
        return pd.DataFrame(columns=columns)
    return then(pd.concat(filled, ignore_index=True))


def _of_run(table: pd.DataFrame, setups: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the column name: the name of each run's setup."""
    return table.assign(name=table["run"].map(setups.groupby("run")["name"].first()))


def _title(probes: Sequence[str]) -> str:
    few = len(probes) <= _MAX_NAMES
    return f"Probes: {', '.join(probes)}" if few else f"{len(probes)} probes"


def _notes(unfinished: Sequence[Path], damaged: Sequence[InputError]) -> list[str]:
    notes = [f"Left out, damaged: {error}." for error in damaged]
    if unfinished:
        folders = ", ".join(map(str, unfinished))
        notes.append(f"Left out, not finished: {folders}.")
    return notes


def _setups(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each run: its probe, setup and seed, and the setup's name.

    Raises:
        InputError: if two runs are equal in all of these, or used different versions of a probe.
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
            f"{first} and {second} have the same probe, cell, start, sizes and seed; "
            "report on one of them at a time"
        )
    return runs.assign(name=setup_names(runs)).reset_index(drop=True)


def _runs(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each run: its probe, the probe's version, setup and seeds."""
    columns = [*_KEY, "run", "seed", "version", "data_seed"]
    runs = pd.concat([frame.reindex(columns=columns) for frame in frames]).drop_duplicates()
    return runs.sort_values([*_KEY[1:], "probe", "seed"])


def _named(table: pd.DataFrame, setups: pd.DataFrame, key: Sequence[str] = _KEY) -> pd.DataFrame:
    """Return a table with a first column name: the name of each row's setup."""
    names = setups[[*key, "name"]].drop_duplicates(key)
    named = table.merge(names, on=list(key), how="left", validate="many_to_one")
    return named[["name", *table.columns]]


def _setup_rows(setups: pd.DataFrame) -> pd.DataFrame:
    """Return a row of texts for each setup, as the page shows it."""
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
    runs: Sequence[ItemCounts],
    setups: pd.DataFrame,
) -> ProbeResults:
    """Return the figures of one probe from its summary, its counts, and its runs in their order."""
    table, counts, others = main_table(table), main_table(counts), table
    first = counts.iloc[0]
    setup_of = dict(zip(setups["run"], setups["name"], strict=True))
    names = [setup_of[run] for run in dict.fromkeys(counts["run"])]
    candidates = table.loc[table["cell"] == _REFERENCE, "name"]
    reference = min(candidates) if len(candidates) else names[0]
    results = ProbeResults(
        probe=first["probe"],
        axis=first["axis"],
        unit=first["unit"],
        whole=bool(first["whole"]),
        summary=table,
        others=others[~others["table"].isin(table["table"])],
        runs=_named(accuracy_by_run(counts), setups),
        d50=_named(d50_table(table.drop(columns="name")), setups),
        solved_up_to=_named(solved_up_to(counts), setups),
        differences=pd.DataFrame(),
        reference=reference,
    )
    regions = [
        compare(runs, names, reference, results.splits[0], within).assign(within=within)
        for within in (True, False)
    ]
    return replace(results, differences=pd.concat(regions, ignore_index=True))
