"""Parts of tables in Markdown that show several seeds of each setup."""

from collections.abc import Sequence

import pandas as pd

from seqtag.report.formatting import DASH, percent


def table_text(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{text}\n"


def setups(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each setup by name; configurations that share a name are numbered."""
    found = []
    for cell, own in rows.groupby("cell", sort=True):
        configs = own["config"].unique()
        for number, config in enumerate(sorted(configs), 1):
            name = f"{cell}, {number}" if len(configs) > 1 else str(cell)
            found.append((name, own[own["config"] == config]))
    return found


def median_range(values: pd.Series) -> str:
    """Return the median, and the least and greatest value of several seeds, in per cent."""
    if values.empty:
        return DASH
    middle, least, most = values.median(), values.min(), values.max()
    if percent(least) == percent(most):
        return percent(middle)
    return f"{percent(middle)} ({percent(least)} to {percent(most)})"
