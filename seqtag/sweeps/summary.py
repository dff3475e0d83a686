"""The tables of a sweep for programs: one value in each cell, scores as shares.

table.csv  one row for each configuration, or for each trial of a search
runs.csv   one row for each run
table.md   the table that is printed at the end, for readers
"""

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqtag.files import utf8_bytes, write_text
from seqtag.metrics.intervals import student
from seqtag.sweeps.table import (
    Rows,
    Run,
    as_markdown,
    by_configuration,
    by_size,
    dev_score,
    independent,
    shown_score,
)

TABLE = "table"
RUNS = "runs.csv"
Records = list[dict[str, Any]]


def summarize(runs: Sequence[Run]) -> Records:
    """Return a record for each configuration: its overrides, its scores over seeds, its costs.

    The keys are configuration; one for each override that distinguishes configurations; score (the
    name of the score); runs, failed; mean, low and high (Student's 95 % interval with three runs or
    folds or more, the smallest and the largest score with two); dev (the mean development score);
    parameters, seconds (mean). Values that are unknown are None.
    """
    done = [run for run in runs if run.error is None]
    main = shown_score(done)
    other = dev_score(done, main) or (main if main.startswith("dev ") else None)
    records = []
    for name, group in by_configuration(runs).items():
        good = [run for run in group if run.error is None]
        values = [value for run in good for value in run.score(main)]
        low, high = _ends(independent(good, main))
        records.append(
            {
                "configuration": name,
                **_keys(group[0], name),
                "score": main,
                "runs": len(good),
                "failed": len(group) - len(good),
                "mean": _mean(values),
                "low": low,
                "high": high,
                "dev": _mean([run.scores[other] for run in good]) if other else None,
                "parameters": good[0].figures.get("parameters") if good else None,
                "seconds": _mean([r.figures["seconds"] for r in good if "seconds" in r.figures]),
            }
        )
    return records


def run_records(runs: Sequence[Run]) -> Records:
    """Return a record for each run: its configuration, seed, scores, costs and error."""
    names = dict.fromkeys(score for run in runs for score in run.scores)
    records = []
    for name, group in by_configuration(runs).items():
        for run in sorted(group, key=lambda run: (*by_size(run.seed), *by_size(run.fold))):
            records.append(
                {
                    **{"run": run.folder.name, "configuration": name},
                    **_keys(run, name),
                    "seed": run.seed,
                    **({"fold": run.fold} if run.fold else {}),
                    **{score: run.scores.get(score) for score in names},
                    "parameters": run.figures.get("parameters"),
                    "seconds": run.figures.get("seconds"),
                    "error": run.error,
                }
            )
    return records


def _keys(run: Run, configuration: str) -> dict[str, str]:
    """Return the overrides that distinguish a run's configuration, by key."""
    parts = (text for text in run.overrides if text in configuration.split(" "))
    pairs = (text.lstrip("+~").partition("=") for text in parts)
    return {key: value for key, _, value in pairs}


def _mean(values: Sequence[float]) -> float | None:
    return statistics.mean(values) if values else None


def _ends(values: Sequence[float]) -> tuple[float | None, float | None]:
    if len(values) < 2:
        return None, None
    return student(values) if len(values) > 2 else (min(values), max(values))


def as_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """Return records as comma-separated values; their own keys, in order, are the columns."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    # A key that only some records have stands where they have it, not last.
    columns.sort(key=lambda key: max(list(r).index(key) / len(r) for r in records if key in r))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return utf8_bytes(text.getvalue()).decode("utf-8")


def write_records(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write records as a CSV file, atomically."""
    write_text(path, as_csv(records))


def write_table(folder: Path, rows: Rows, records: Sequence[Mapping[str, Any]]) -> None:
    """Write a table into a folder: ``table.md`` for readers, ``table.csv`` for programs."""
    write_records(folder / f"{TABLE}.csv", records)
    write_text(folder / f"{TABLE}.md", as_markdown(rows))
