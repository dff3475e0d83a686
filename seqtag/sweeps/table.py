"""The table of a sweep: one row for each configuration, its scores by seed, mean and interval.

A configuration is the overrides of a run except its seed and its fold (`data.fold`), those common
to all runs, and those that do not distinguish runs, such as ckpt_path=auto. Scores are percentages.
The interval is Student's 95 % interval with three seeds or more, and the range from the smallest to
the largest score with two. With several folds it is the interval over folds, each with the mean
score of its seeds.
"""

import json
import logging
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from seqtag.checks import AtLeast, NotNegative, checked
from seqtag.errors import InputError, unknown
from seqtag.files import files_of_runs
from seqtag.metrics.intervals import student
from seqtag.metrics.main import is_share
from seqtag.sweeps.records import (
    OWN_CHECKPOINT,
    RECORD,
    REPEATED,
    read_overrides,
    read_record,
    scores_of,
)
from seqtag.terminal import console, safe_text, single_line

log = logging.getLogger("seqtag")

# Types of the figures of a run that the table uses.
_FIGURE_TYPES = {
    "seconds": NotNegative | None,
    "parameters": Annotated[int, AtLeast(0)] | None,
    "scores": Mapping[str, float | None],
    "splits": Mapping[str, Mapping[str, Any]],
}
# Keys and groups that can differ between runs of the same configuration.
_NOT_OF_A_CONFIGURATION = ("study", "search", "paths", "hydra")
# The rows of a table, the head first.
Rows = list[list[str]]


class Run(NamedTuple):
    """One run of a sweep.

    Attributes:
        folder: the run folder.
        overrides: its overrides from the command line.
        error: why it has no figures; None if it has.
        figures: the values of its record and of ``metrics.json``.
        scores: its scores by name, as shares, the most important first.
    """

    folder: Path
    overrides: tuple[str, ...]
    error: str | None
    figures: dict[str, Any]
    scores: dict[str, float]

    @property
    def seed(self) -> str:
        """The seed among its overrides, otherwise that of its figures."""
        return self._override("seed") or str(self.figures.get("seed", ""))

    @property
    def fold(self) -> str:
        """The fold of a cross-validation among its overrides; empty if there is none."""
        return self._override("data.fold")

    def _override(self, key: str) -> str:
        pairs = (text.lstrip("+").partition("=") for text in self.overrides)
        return next((value for name, _, value in pairs if name == key), "")

    def score(self, name: str) -> list[float]:
        """Return the score called `name`, else the first one, as a list; [] if there is none."""
        return [self.scores[name]] if name in self.scores else [*self.scores.values()][:1]


def read_runs(folder: Path) -> list[Run]:
    """Return the runs below a folder, in the order in which they were started.

    A run whose files are damaged is left out with a warning.

    Raises:
        InputError: if there are no runs.
    """
    folders = {
        file.parent for name in (RECORD, "metrics.json") for file in files_of_runs(folder, name)
    }
    runs = []
    for run_folder in sorted(folders, key=_started):
        try:
            run = _read_run(run_folder)
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
        return None  # an evaluation, not a run
    # Runs of earlier versions have no record.
    done = record.get("finished", True)
    error = None if done else record.get("error") or "not finished"
    for name, values in ((RECORD, record), ("metrics.json", figures)):
        for key, kind in _FIGURE_TYPES.items():
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


def by_configuration(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs of each configuration by its name: its overrides not common to all runs."""
    relevant = [tuple(text for text in run.overrides if _is_of_configuration(text)) for run in runs]
    common = set.intersection(*map(set, relevant)) if relevant else set()
    groups: dict[str, list[Run]] = {}
    for run, overrides in zip(runs, relevant, strict=True):
        name = " ".join(text for text in overrides if text not in common) or "(no other overrides)"
        groups.setdefault(name, []).append(run)
    return groups


def _is_of_configuration(override: str) -> bool:
    """Return whether an override is part of a configuration, as records compare them.

    Its seed and fold are not, nor where a run is stored, how it is launched, and that it resumes.
    """
    key = override.lstrip("+~").partition("=")[0]
    other = key in REPEATED or re.split(r"[./]", key)[0] in _NOT_OF_A_CONFIGURATION
    return not other and override not in OWN_CHECKPOINT


def interval(values: Sequence[float], digits: int = 2) -> str:
    """Return Student's interval of three values or more as text, or the range of two."""
    if len(values) < 2:
        return ""
    if len(values) == 2:
        return f"{min(values):.{digits}f} to {max(values):.{digits}f} (range)"
    low, high = student(values)
    return f"{low:.{digits}f} to {high:.{digits}f}"


def tabulate(runs: Sequence[Run], split: str | None = None, factor: str | None = None) -> Rows:
    """Return the rows of a table of runs, the header first.

    Args:
        runs: at least one run.
        split: the split whose score is shown; by default the first score that all runs have, or
            each run's own first score if they have none in common.
        factor: a factor of a probe, for a column with the accuracy at each of its values.

    Raises:
        InputError: for a split or a factor that the finished runs do not have.
    """
    done = [run for run in runs if run.error is None]
    main = shown_score(done, split)
    by_factor = _by_factor(done, main, factor) if factor else {}
    failed = ["failed"] if len(done) < len(runs) else []
    repeated = _repeated(runs)
    factor_of, unit, digits = (100, " %", 2) if is_share(main) else (1, "", 4)
    other = dev_score(done, main)
    dev = [f"{other}{unit}"] if other else []
    head = ["", repeated, f"{main}{unit}", "mean", "95% interval", *dev]
    head += [*by_factor, "parameters", "s"]
    rows = [[*head, *failed]]
    for name, group in by_configuration(runs).items():
        group = sorted(group, key=lambda run: (*by_size(run.seed), *by_size(run.fold)))
        good = [run for run in group if run.error is None]
        values = [factor_of * score for run in good for score in run.score(main)]
        mean = f"{statistics.mean(values):.{digits}f}" if values else ""
        on_dev = [factor_of * run.scores[other] for run in good] if other else []
        seconds = [run.figures["seconds"] for run in good if "seconds" in run.figures]
        wrong = "; ".join(
            f"{repeated[:-1]} {_name(run, repeated)}: {run.error}" for run in group if run.error
        )
        row = [
            *(name, ", ".join(_name(run, repeated) for run in good)),
            *(", ".join(f"{value:.{digits}f}" for value in values), mean),
            interval([factor_of * value for value in independent(good, main)], digits),
            *([f"{statistics.mean(on_dev):.{digits}f}" if on_dev else ""] if other else []),
            *(
                f"{statistics.mean(map(accuracy, good)):.0f}" if good else ""
                for accuracy in by_factor.values()
            ),
            f"{good[0].figures['parameters']:,}"
            if good and "parameters" in good[0].figures
            else "",
            f"{statistics.mean(seconds):.0f}" if seconds else "",
        ]
        rows.append([*row, wrong] if failed else row)
    return rows


def _repeated(runs: Sequence[Run]) -> str:
    """Return what the runs of a configuration differ in: seeds, folds or both."""
    if not any(run.fold for run in runs):
        return "seeds"
    return "folds" if len({run.seed for run in runs}) == 1 else "seed/folds"


def _name(run: Run, repeated: str) -> str:
    """Return the seed of a run, its fold, or both as seed/fold."""
    names = {"seeds": run.seed, "folds": run.fold, "seed/folds": f"{run.seed}/{run.fold}"}
    return names[repeated]


def by_size(number: str) -> tuple[int, str]:
    """Return a key that sorts numbers given as text."""
    return len(number), number


def independent(runs: Sequence[Run], main: str) -> list[float]:
    """Return the scores that the interval is over: by run, or by fold if there are several.

    Seeds of one fold share their test sentences, so their mean is the score of the fold.
    """
    by_fold: dict[str, list[float]] = {}
    for run in runs:
        by_fold.setdefault(run.fold, []).extend(run.score(main))
    if len(by_fold) == 1:
        return next(iter(by_fold.values()))
    return [statistics.mean(scores) for scores in by_fold.values() if scores]


def shown_score(done: Sequence[Run], split: str | None = None) -> str:
    """Return the name of the score of a split that all runs have, by default their first one."""
    shared = (
        [name for name in done[0].scores if all(name in run.scores for run in done)] if done else []
    )
    chosen = [name for name in shared if split in (None, name, name.partition(" ")[0])]
    if split is not None and not chosen:
        raise unknown("split", split, [name.partition(" ")[0] for name in shared])
    return chosen[0] if chosen else "score"


def dev_score(done: Sequence[Run], main: str) -> str | None:
    """Return the name of the development score, if all runs have one and it is not the main one."""
    name = f"dev {main.partition(' ')[2]}"
    return name if name != main and done and all(name in run.scores for run in done) else None


def _by_factor(done: Sequence[Run], main: str, factor: str) -> dict[str, Callable[[Run], float]]:
    """Return, by column heading, a function from a run to its accuracy at a factor's value."""
    split = main.partition(" ")[0]
    slices = [run.figures.get("splits", {}).get(split, {}).get("factors", {}) for run in done]
    known = [name for name in slices[0] if all(name in other for other in slices)] if slices else []
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
    """Return a text escaped for a cell of a Markdown table, in one line."""
    return re.sub(r"(\\(?=[\\|`<]|$)|[|`<])", r"\\\1", single_line(text))


def print_table(rows: Rows) -> None:
    """Print a table to the terminal."""
    from rich import box
    from rich.table import Table

    head, *body = rows
    table = Table(box=box.SIMPLE_HEAD)
    for name in head:
        table.add_column(safe_text(name))
    for row in body:
        table.add_row(*map(safe_text, row))
    console().print(table)
