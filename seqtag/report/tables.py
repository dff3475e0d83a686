"""Figures as tables in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

# Beyond this many labels a table of them all is no help; the file has them.
_MOST_LABELS = 60


def show_scores(scores: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the figures of an evaluation: overall, by label, by factor."""
    console = console or Console()
    console.print(_overall(scores))
    if 1 < len(scores["per_label"]) <= _MOST_LABELS:
        console.print(_by_label(scores))
    for name, slices in scores.get("factors", {}).items():
        if len(slices) > 1:
            console.print(_by_factor(name, slices))


def _overall(scores: Mapping[str, Any]) -> Table:
    table = Table(title=f"{scores['split']} split", title_justify="left")
    columns = [("sentences", scores["sentences"]), ("scored tokens", scores["tokens"])]
    columns.append(("accuracy", f"{scores['accuracy']:.2%}"))
    if scores["unknown_tokens"]:
        columns.append(("on unknown words", f"{scores['unknown_accuracy']:.2%}"))
    if "f1" in scores:
        columns += [(name, f"{scores[name]:.2%}") for name in ("precision", "recall", "f1")]
        columns.append(("illegal labels", {"repair": "repaired", "strict": "dropped"}[scores["illegal"]]))
    columns.append(("tokens/s", f"{scores['tokens_per_second']:,}"))
    for name, _ in columns:
        table.add_column(name, justify="right")
    table.add_row(*(str(value) for _, value in columns))
    return table


def _by_label(scores: Mapping[str, Any]) -> Table:
    table = Table(title=f"{scores['split']} split by label", title_justify="left")
    table.add_column("label")
    for name in ("precision", "recall", "f1", "support"):
        table.add_column(name, justify="right")
    for label, row in scores["per_label"].items():
        rates = (f"{row[name]:.2%}" for name in ("precision", "recall", "f1"))
        table.add_row(label, *rates, str(row["support"]))
    return table


def _by_factor(name: str, slices: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(title=f"accuracy by {name}", title_justify="left")
    for column in (name, "n", "accuracy"):
        table.add_column(column, justify="right")
    for value, row in slices.items():
        table.add_row(value, str(row["n"]), f"{row['accuracy']:.2%}")
    return table
