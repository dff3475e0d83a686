"""Runs of a sweep in one table: each configuration over its seeds.

    seqtag train -m experiment=cells data.path=FOLDER cell=lstm,gru,rnn seed=1,2,3
    python scripts/compare_runs.py logs/train/DATE_TIME              # F1, else accuracy
    python scripts/compare_runs.py logs/train/DATE_TIME --factor distance --markdown

A row is what a run was configured with on the command line, but for the seed; a figure is the mean
over seeds, its spread the smallest and the largest. With --factor, a column for each value of a
factor of a probe.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from seqtag.errors import InputError


class Run(NamedTuple):
    """One run: its overrides without the seed, and its figures."""

    overrides: frozenset[str]
    figures: dict[str, Any]


def read_runs(folder: Path) -> list[Run]:
    """Return the finished runs below a folder, in the order that they were started.

    Raises:
        InputError: where there are none.
    """
    files = sorted(folder.glob("**/metrics.json"), key=_started)
    runs = []
    for file in files:
        overrides = _overrides(file.parent / ".hydra" / "overrides.yaml")
        kept = frozenset(o for o in overrides if not o.startswith("seed="))
        figures = json.loads(file.read_text(encoding="utf-8"))
        if "splits" in figures:  # an evaluation has no runs to compare
            runs.append(Run(kept, figures))
    if not runs:
        raise InputError(f"{folder} holds no finished run: no metrics.json below it")
    return runs


def _started(file: Path) -> tuple[str, int, str]:
    name = file.parent.name
    return str(file.parent.parent), int(name) if name.isdigit() else -1, name


def _overrides(file: Path) -> list[str]:
    """Return the lines of Hydra's list of overrides, which is plain YAML of one kind."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("- ").strip("'\"") for line in lines if line.startswith("- ")]


def group(runs: Iterable[Run]) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each configuration, named by what is not common to all."""
    runs = list(runs)
    common = frozenset.intersection(*(run.overrides for run in runs))
    found: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        name = " ".join(sorted(run.overrides - common)) or "(all the same)"
        found.setdefault(name, []).append(run.figures)
    return found


def columns_of(runs: list[Run], split: str, factor: str | None) -> dict[str, Callable[..., float]]:
    """Return what to show of a run, by heading.

    Raises:
        InputError: for a split or a factor that the runs do not have.
    """
    scores = runs[0].figures["splits"]
    if not all(split in run.figures["splits"] for run in runs):
        raise InputError(f"not all runs have the split {split!r}; there are {', '.join(scores)}")
    main = "f1" if all("f1" in run.figures["splits"][split] for run in runs) else "accuracy"
    shown: dict[str, Callable[..., float]] = {
        f"{split} {main} %": lambda figures: 100 * figures["splits"][split][main]
    }
    if factor is not None:
        of_runs = [run.figures["splits"][split].get("factors", {}) for run in runs]
        known = {name: of for name, of in of_runs[0].items() if all(name in r for r in of_runs)}
        if factor not in known:
            raise InputError(f"no factor {factor!r}; there are {', '.join(known) or 'none'}")
        for value in known[factor]:
            shown[f"{factor} {value}"] = lambda figures, value=value: (
                100 * figures["splits"][split]["factors"][factor][value]["accuracy"]
            )
    return shown


def tabulate(runs: list[Run], split: str, factor: str | None) -> list[list[str]]:
    """Return the table's rows, the head first."""
    shown = columns_of(runs, split, factor)
    head = ["", "seeds", "parameters"]
    first, *rest = shown
    rows = [[*head, first, "smallest to largest", *rest, "s"]]
    for name, figures in group(runs).items():
        values = {heading: [of(f) for f in figures] for heading, of in shown.items()}
        low, high = min(values[first]), max(values[first])
        rows.append(
            [
                name,
                ", ".join(str(f["seed"]) for f in figures),
                f"{figures[0]['parameters']:,}",
                f"{statistics.mean(values[first]):.2f}",
                f"{low:.2f} to {high:.2f}",
                *(f"{statistics.mean(values[heading]):.0f}" for heading in rest),
                f"{statistics.mean(f['seconds'] for f in figures):.0f}",
            ]
        )
    return rows


def show(rows: list[list[str]], markdown: bool) -> None:
    """Print the rows as a table for a terminal or in Markdown."""
    head, *body = rows
    if markdown:
        lines = [head, ["---"] * len(head), *body]
        print("\n".join(f"| {' | '.join(line)} |" for line in lines))
        return
    table = Table(*head, box=box.SIMPLE_HEAD)
    for row in body:
        table.add_row(*row)
    Console(width=160).print(table)


def main() -> int:
    """Read the folder and print the table; 2 for a mistake of the user."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+", help="folder of a sweep, or of sweeps")
    parser.add_argument("--split", default="test", help="whose figures (default test)")
    parser.add_argument("--factor", help="a factor of a probe, such as distance")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    try:
        runs = [run for folder in options.folder for run in read_runs(folder)]
        show(tabulate(runs, options.split, options.factor), options.markdown)
    except InputError as error:
        print(f"compare_runs: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
