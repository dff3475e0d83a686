"""Tables of figures for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqtag.metrics.main import main_score, score_text
from seqtag.terminal import console as safe_console
from seqtag.terminal import safe_text

# With more labels than this, the table by label is left out; metrics.json has it.
_MAX_LABELS = 60
# This many columns of percentages fit in a line of 80 characters.
_MAX_COLUMNS = 7
_POLICIES = {"repair": "repaired", "strict": "dropped"}


def show_scores(
    scores: Mapping[str, Any], console: Console | None = None, details: bool = True
) -> None:
    """Print the figures of an evaluation: overall and, with `details`, by label and by factor."""
    console = console or safe_console()
    console.print(_overall(scores))
    if not details:
        return
    if 1 < len(scores["per_label"]) <= _MAX_LABELS:
        console.print(_by_label(scores))
    # A probe's axis is the first factor; its table is printed last, where the reader looks first.
    for name, slices in reversed(scores.get("factors", {}).items()):
        if len(slices) > 1:
            console.print(_by_factor(name, slices))


def show_groups(
    title: str, rows: Sequence[Mapping[str, Any]], console: Console | None = None
) -> None:
    """Print `rows` as the columns of a table, each headed by its `group`; each key is a line.

    All rows have the same keys. Floats are shares, shown as percentages; keys without a value in
    any row are left out.
    """
    table = new_table(title)
    table.add_column("")
    for row in rows:
        # Rich breaks lines only at spaces.
        head = safe_text(str(row["group"]).replace("_", " "))
        table.add_column(head, justify="right", vertical="bottom")
    for name in rows[0]:
        cells = [row[name] for row in rows]
        if name != "group" and any(cell not in (None, "") for cell in cells):
            table.add_row(safe_text(name.replace("_", " ")), *map(_cell, cells))
    (console or safe_console()).print(table)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("-")
    return safe_text(f"{value:.1%}" if isinstance(value, float) else value)


def new_table(title: str) -> Table:
    """Return an empty table with a title, in the style of all tables."""
    return Table(
        title=safe_text(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 0, 0, 1),  # so that all columns of an evaluation fit in 80 characters
    )


def _overall(scores: Mapping[str, Any]) -> Table:
    columns = [
        ("sentences", f"{scores['sentences']:,}"),
        ("scored\ntokens", f"{scores['tokens']:,}"),
        ("accuracy", f"{scores['accuracy']:.2%}"),
    ]
    if scores["unknown_tokens"]:
        columns.append(("of unknown\nwords", f"{scores['unknown_accuracy']:.2%}"))
    title = f"{scores['split']} split"
    if "f1" in scores:
        columns += [(name, f"{scores[name]:.2%}") for name in ("precision", "recall", "f1")]
        title += f", illegal labels {_POLICIES[scores['illegal']]}"
    main, value = main_score(scores)
    if main not in ("accuracy", "f1"):
        columns.append((main, score_text(main, value)))
    columns.append(("tokens/s", f"{scores['tokens_per_second']:,}"))
    table = new_table(title)
    for name, _ in columns:
        table.add_column(safe_text(name), justify="right", vertical="bottom")
    table.add_row(*(value for _, value in columns))
    return table


def _by_label(scores: Mapping[str, Any]) -> Table:
    table = new_table(f"{scores['split']} split by label")
    table.add_column("label")
    for name in ("precision", "recall", "f1", "support"):
        table.add_column(name, justify="right")
    for label, row in scores["per_label"].items():
        rates = (f"{row[name]:.2%}" for name in ("precision", "recall", "f1"))
        table.add_row(safe_text(label), *rates, f"{row['support']:,}")
    return table


def _by_factor(name: str, slices: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return a table with a column for each slice if they fit in a line, else a row for each."""
    table = new_table(f"accuracy by {name}")
    if len(slices) > _MAX_COLUMNS:
        for column in (name, "n", "accuracy"):
            table.add_column(safe_text(column), justify="right")
        for value, row in slices.items():
            table.add_row(safe_text(value), f"{row['n']:,}", f"{row['accuracy']:.2%}")
        return table
    table.add_column(safe_text(name))
    for value in slices:
        table.add_column(safe_text(value), justify="right")
    table.add_row("accuracy", *(f"{row['accuracy']:.2%}" for row in slices.values()))
    table.add_row("n", *(f"{row['n']:,}" for row in slices.values()))
    return table
