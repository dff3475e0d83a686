"""What a sweep ends with: a row each configuration, its scores by seed, their mean and interval.

A configuration is what a run was given on the command line, less its seed and what is common to
all. Scores are percentages. The interval is Student's of 95 % where there are three seeds or more,
and from the smallest to the largest where there are two.
"""

import csv
import io
import json
import logging
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from seqtag.checks import AtLeast, NotNegative, checked
from seqtag.errors import InputError, unknown
from seqtag.files import write_text
from seqtag.metrics.intervals import student
from seqtag.sweeps.records import RECORD, read_overrides, read_record, scores_of
from seqtag.terminal import console, safe_text, single_line

TABLE = "table"

log = logging.getLogger("seqtag")

# What a table shows of a run's figures.
_SHOWN = {
    "seconds": NotNegative | None,
    "parameters": Annotated[int, AtLeast(0)] | None,
    "scores": Mapping[str, float | None],
    "splits": Mapping[str, Mapping[str, Any]],
}
# The rows of a table, the head first.
Rows = list[list[str]]


class Run(NamedTuple):
    """One run of a sweep.

    Attributes:
        folder: where it is.
        overrides: what it was given on the command line.
        error: why there are no figures; None where there are.
        figures: what it left in its record and in ``metrics.json``.
        scores: what it is judged by, as shares, what says most first.
    """

    folder: Path
    overrides: tuple[str, ...]
    error: str | None
    figures: dict[str, Any]
    scores: dict[str, float]

    @property
    def seed(self) -> str:
        """The seed that it was given; that of its figures where it was given none."""
        given = (text for text in self.overrides if text.startswith("seed="))
        return next(given, f"={self.figures.get('seed', '')}").partition("=")[2]

    def score(self, name: str) -> list[float]:
        """Return its score of that name, else the one that says most, or none of none."""
        return [self.scores[name]] if name in self.scores else [*self.scores.values()][:1]


def read_runs(folder: Path) -> list[Run]:
    """Return the runs below a folder, in the order that they were started.

    A run whose files are damaged is left out with a warning.

    Raises:
        InputError: where there are none.
    """
    folders = {file.parent for name in (RECORD, "metrics.json") for file in folder.rglob(name)}
    runs = []
    for place in sorted(folders, key=_started):
        try:
            run = _read_run(place)
        except InputError as error:
            log.warning("left out: %s", error)
            continue
        if run is not None:
            runs.append(run)
    if not runs:
        raise InputError(f"{folder} holds no run: no {RECORD} below it")
    return runs


def _started(folder: Path) -> float:
    mark = folder / ".hydra" / "overrides.yaml"
    return (mark if mark.exists() else folder).stat().st_mtime


def _read_run(folder: Path) -> Run | None:
    record, figures = read_record(folder), _read_figures(folder / "metrics.json")
    if not record and "splits" not in figures:
        return None  # an evaluation is no run
    # A run without a record is one of an earlier version.
    done = record.get("finished", True)
    error = None if done else record.get("error") or "not finished"
    for name, values in ((RECORD, record), ("metrics.json", figures)):
        for key, kind in _SHOWN.items():
            if key in values:
                checked(values[key], kind, f"{folder / name}: {key}")
    scores = scores_of(figures) or scores_of(record) if done else {}
    checked(scores, Mapping[str, float | None], f"{folder}: scores")
    known = {name: score for name, score in scores.items() if score is not None}
    all_figures = {key: value for key, value in {**figures, **record}.items() if value is not None}
    return Run(folder, read_overrides(folder), error, all_figures, known)


def _read_figures(path: Path) -> dict[str, Any]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return figures if isinstance(figures, dict) else {}


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs of each configuration, by its name: what is not common to all."""
    kept = [
        tuple(text for text in run.overrides if not text.startswith(("seed=", "study=")))
        for run in runs
    ]
    common = set.intersection(*map(set, kept)) if kept else set()
    found: dict[str, list[Run]] = {}
    for run, overrides in zip(runs, kept, strict=True):
        name = " ".join(text for text in overrides if text not in common) or "(all the same)"
        found.setdefault(name, []).append(run)
    return found


def interval(values: Sequence[float]) -> str:
    """Return the ends of an interval, and of what kind: see above."""
    if len(values) < 2:
        return ""
    if len(values) == 2:
        return f"{min(values):.2f} to {max(values):.2f} (range)"
    low, high = student(values)
    return f"{low:.2f} to {high:.2f}"


def tabulate(runs: Sequence[Run], split: str | None = None, factor: str | None = None) -> Rows:
    """Return the rows of a table of runs, the head first.

    Args:
        runs: at least one.
        split: whose score is shown; by default that which says most, of each run its own where
            they have none in common.
        factor: a factor of a probe, for a column of accuracies for each of its values.

    Raises:
        InputError: for a split or a factor that the finished runs do not have.
    """
    done = [run for run in runs if run.error is None]
    main = _main_score(done, split)
    beside = _by_factor(done, main, factor) if factor else {}
    failed = ["failed"] if len(done) < len(runs) else []
    head = ["", "seeds", f"{main} %", "mean", "95% interval", *beside, "parameters", "s", *failed]
    rows = [head]
    for name, group in grouped(runs).items():
        group = sorted(group, key=lambda run: (len(run.seed), run.seed))
        good = [run for run in group if run.error is None]
        values = [100 * score for run in good for score in run.score(main)]
        mean = f"{statistics.mean(values):.2f}" if values else ""
        seconds = [run.figures["seconds"] for run in good if "seconds" in run.figures]
        wrong = "; ".join(f"seed {run.seed}: {run.error}" for run in group if run.error)
        row = [
            *(name, ", ".join(run.seed for run in good)),
            *(", ".join(f"{value:.2f}" for value in values), mean, interval(values)),
            *(f"{statistics.mean(map(of, good)):.0f}" if good else "" for of in beside.values()),
            f"{good[0].figures['parameters']:,}"
            if good and "parameters" in good[0].figures
            else "",
            f"{statistics.mean(seconds):.0f}" if seconds else "",
        ]
        rows.append([*row, wrong] if failed else row)
    return rows


def _main_score(done: Sequence[Run], split: str | None) -> str:
    shared = (
        [name for name in done[0].scores if all(name in run.scores for run in done)] if done else []
    )
    chosen = [name for name in shared if split in (None, name, name.partition(" ")[0])]
    if split is not None and not chosen:
        raise unknown("split", split, [name.partition(" ")[0] for name in shared])
    return chosen[0] if chosen else "score"


def _by_factor(done: Sequence[Run], main: str, factor: str) -> dict[str, Callable[[Run], float]]:
    """Return, by heading, what a run's accuracy is where a factor has a value."""
    split = main.partition(" ")[0]
    slices = [run.figures.get("splits", {}).get(split, {}).get("factors", {}) for run in done]
    known = [name for name in slices[0] if all(name in of for of in slices)] if slices else []
    if factor not in known:
        raise unknown("factor", factor, known)
    return {
        f"{factor} {value}": lambda run, value=value: (
            100 * run.figures["splits"][split]["factors"][factor][value]["accuracy"]
        )
        for value in slices[0][factor]
    }


def as_markdown(rows: Rows) -> str:
    """Return a table in Markdown."""
    head, *body = [[_in_markdown(text) for text in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _in_markdown(text: str) -> str:
    """Return a text for a cell of a Markdown table: in one line, without code, HTML or borders."""
    return re.sub(r"(\\(?=[\\|`<]|$)|[|`<])", r"\\\1", single_line(text))


def as_csv(rows: Rows) -> str:
    """Return a table as comma-separated values."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_table(folder: Path, rows: Rows) -> None:
    """Write a table into a folder as ``table.csv`` and ``table.md``, whole files or none."""
    write_text(folder / f"{TABLE}.csv", as_csv(rows))
    write_text(folder / f"{TABLE}.md", as_markdown(rows))


def show(rows: Rows) -> None:
    """Print a table for a terminal."""
    from rich import box
    from rich.table import Table

    head, *body = rows
    table = Table(box=box.SIMPLE_HEAD)
    for name in head:
        table.add_column(safe_text(name))
    for row in body:
        table.add_row(*map(safe_text, row))
    console().print(table)
