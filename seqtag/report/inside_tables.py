"""Tables of an inspection for a terminal."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console

from seqtag.columns import MAIN
from seqtag.report.formatting import DASH, interval
from seqtag.report.tables import new_table
from seqtag.terminal import console as safe_console
from seqtag.terminal import safe_text


def show_inside(
    tables: Mapping[str, pd.DataFrame], control: str, console: Console | None = None
) -> None:
    """Print what is read from all states, how many units hold it, and what is left without them.

    Args:
        tables: by name: decoding, switch, silencing, units, forms.
        control: "word" or "cue": what the control task takes.
        console: where to print.
    """
    console = console or safe_console()
    decoding = tables["decoding"]
    for cell, own in decoding[decoding["distance"] == "all"].groupby("cell", sort=False):
        title = f"{cell}: read by linear probes, per cent (control task by {control})"
        table = new_table(title)
        for name in ("split", "layer", "state"):
            table.add_column(name)
        for name in ("most frequent", "accuracy", "control", "selectivity"):
            table.add_column(name, justify="right")
        for _, row in own.iterrows():
            table.add_row(
                safe_text(
                    row["split"] if row["table"] == MAIN else f"{row['split']}, {row['table']}"
                ),
                *(safe_text(row[name]) for name in ("layer", "state")),
                safe_text(f"{100 * row['majority']:.1f}"),
                *(_share(row, name) for name in ("accuracy", "control", "selectivity")),
            )
        console.print(table)
    if not tables["units"].empty:
        _show_units(tables["units"], console)
        _show_forms(tables["forms"], console)


def _share(row: pd.Series, name: str) -> str:
    cell = interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
    return cell if isinstance(cell, str) else " ".join(cell)


def _show_units(units: pd.DataFrame, console: Console) -> None:
    table = new_table("Fewest silenced units with which accuracy is at chance, per cent right")
    for name in ("cell", "model", "order"):
        table.add_column(name)
    for name in ("units", "accuracy", "random groups of that size", "none silenced"):
        table.add_column(name, justify="right")
    for _, row in units.iterrows():
        size = "none" if pd.isna(row["units"]) else f"{row['units']}"
        table.add_row(
            safe_text(row["cell"]),
            f"{row['model'] + 1}",
            safe_text(row["order"]),
            size,
            _share(row, "accuracy"),
            _share(row, "random"),
            f"{100 * row['unchanged']:.1f}",
        )
    console.print(table)


def _show_forms(forms: pd.DataFrame, console: Console) -> None:
    labels = [name for name in forms.columns if name.startswith("predicted_")]
    for cell, own in forms.groupby("cell", sort=False):
        table = new_table(f"{cell}: what is predicted, per cent of the answers")
        for name in ("silenced", "right label"):
            table.add_column(name)
        for name in (*labels, "stale", "capture", "wrong"):
            table.add_column(safe_text(name.removeprefix("predicted_")), justify="right")
        for _, row in own.iterrows():
            order = "none" if row["order"] == "none" else f"{row['size']}, {row['order']}"
            shares = (row[name] for name in (*labels, "stale", "capture", "wrong"))
            table.add_row(
                safe_text(order),
                safe_text(row["gold"]),
                *(DASH if pd.isna(share) else f"{100 * share:.1f}" for share in shares),
            )
        console.print(table)
