"""Tables of a README that are made from files of results of taggers.

Each is between a comment ``<!-- taggers: study=claim by=corpus -->`` and a comment
``<!-- end of taggers -->``. The first comment says what the table shows:

    study     the file
    by        corpus: a column for each corpus; choice: the chosen configuration on each corpus;
              sentence_length, span_length: a column for each length; speed: tokens per second
    minus     a model, by default none: the differences of all others to it, see
              `tagger_differences`, in place of scores

Scores are the median over seeds and their range, in per cent, of the chosen configuration of each
model (`role` is "final").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from seqtag.checks import check_fields
from seqtag.errors import InputError
from seqtag.report.formatting import DASH
from seqtag.study.markdown import table_text
from seqtag.study.readme_tables import parse_options, update_blocks
from seqtag.study.tagged import ALL
from seqtag.study.tagger_differences import DIFFERENCES, differences_file
from seqtag.study.tagger_results import FINAL, FOLDER, TAGGERS, choose
from seqtag.study.tagger_speed import SPEEDS, speed_file

_METRICS = {"f1": "F1"}


@dataclass(frozen=True)
class TaggerLayout:
    """What a table shows, see the module."""

    study: str
    by: Literal["corpus", "choice", "sentence_length", "span_length", "speed"]
    minus: str = ""

    def __post_init__(self) -> None:
        check_fields(self, "taggers")


def update_tagger_tables(readme: Path, results: Path = FOLDER, write: bool = False) -> bool:
    """Return whether all tables of a README equal what the files of results give.

    Args:
        readme: the README.
        results: the folder of the files.
        write: whether to write the tables that differ.

    Raises:
        InputError: for a comment that cannot be parsed, or names what the files do not have.
    """

    def made(options: str) -> str:
        return tagger_table(parse_options(TaggerLayout, options, str(readme)), results)

    return update_blocks(readme, "taggers", made, write)


def tagger_table(layout: TaggerLayout, results: Path) -> str:
    """Return a table in Markdown, or a sentence if its file does not exist yet.

    Raises:
        InputError: if the file has no such rows.
    """
    path = results / f"{layout.study}.csv"
    if layout.by == "speed":
        path = speed_file(layout.study, results)
    elif layout.minus:
        path = differences_file(layout.study, results)
    if not path.exists():
        return f"Not measured yet: there is no `{path.name}`.\n"
    if layout.by == "speed":
        return _speeds(SPEEDS.read(path))
    if layout.minus:
        rows, cell = DIFFERENCES.read(path), _difference
        rows = rows[rows["reference"] == layout.minus]
    else:
        rows, cell = TAGGERS.read(path), _median
        if layout.by == "choice":
            return _choices(rows)
        rows = rows[rows["role"] == FINAL]
    rows = rows[rows["slice"] == (ALL if layout.by == "corpus" else layout.by)]
    if rows.empty:
        raise InputError(f"{path}: no rows for by={layout.by} minus={layout.minus}")
    return _by_corpus(rows, cell) if layout.by == "corpus" else _by_length(rows, cell)


def _by_corpus(rows: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> str:
    names = rows.drop_duplicates("corpus").sort_values("corpus")
    corpora = dict(zip(names["corpus"], names["metric"], strict=True))
    sized = "parameters" in rows
    head = ["model", *(["parameters"] if sized else [])]
    head += [f"{corpus}: {_METRICS.get(metric, metric)}" for corpus, metric in corpora.items()]
    lines = []
    for model, own in rows.groupby("model"):
        line = [f"`{model}`", *([_range(own["parameters"])] if sized else [])]
        lines.append([*line, *(cell(own[own["corpus"] == corpus]) for corpus in corpora)])
    return table_text(head, lines)


def _by_length(rows: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> str:
    lengths = _sorted(rows["value"])
    lines = []
    for corpus, own in rows.groupby("corpus"):
        counts = own.drop_duplicates("value").set_index("value")["n"]
        what = "number of labels" if own["metric"].iloc[0] == "accuracy" else "number of spans"
        lines.append([corpus, what, *(f"{counts.get(v, 0):,}" for v in lengths)])
        for model, of_model in own.groupby("model"):
            cells = [cell(of_model[of_model["value"] == v]) for v in lengths]
            lines.append([corpus, f"`{model}`", *cells])
    return table_text(["corpus", "model", *lengths], lines)


def _choices(rows: pd.DataFrame) -> str:
    lines = [
        [one.corpus, f"`{one.overrides}`", _percent(one.dev), str(one.trials)]
        for one in choose(rows)
    ]
    return table_text(["corpus", "chosen", "development score", "trials"], lines)


def _speeds(rows: pd.DataFrame) -> str:
    head = ["model", "parameters"]
    phases = list(dict.fromkeys(rows["phase"]))
    for phase in phases:
        head += [f"{phase}: tokens/s", f"relative to `{rows['reference'].iloc[0]}`"]
    lines = []
    for model, own in rows.groupby("model"):
        line = [f"`{model}`", _range(own["parameters"])]
        for phase in phases:
            (row,) = own[own["phase"] == phase].to_dict("records")
            line += [f"{row['tokens_per_second']:,.0f}", f"{row['relative']:.2f}"]
        lines.append(line)
    return table_text(head, lines)


def _sorted(lengths: Iterable[str]) -> list[str]:
    """Return distinct lengths ("1-5", "51+") by their first number."""
    return sorted(set(lengths), key=lambda text: int(text.rstrip("+").partition("-")[0]))


def _percent(share: float, form: str = ".2f") -> str:
    return DASH if pd.isna(share) else f"{100 * share:{form}}"


def _range(numbers: pd.Series) -> str:
    least, most = numbers.min(), numbers.max()
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _median(rows: pd.DataFrame) -> str:
    """Return the median of the scores, and the least and greatest of several."""
    values = rows["score"]
    if len(values) < 2:
        return _percent(values.median())
    return f"{_percent(values.median())} ({_percent(values.min())} to {_percent(values.max())})"


def _difference(rows: pd.DataFrame) -> str:
    """Return a difference with its interval."""
    if rows.empty:
        return DASH
    row = rows.iloc[0]
    low, high = (_percent(row[name], "+.2f") for name in ("low", "high"))
    return f"{_percent(row['difference'], '+.2f')} ({low} to {high})"
