"""Merge suite results over the runs of each setup."""

import pandas as pd

from seqtag.errors import InputError

# Columns of `suite.json` that are shares between 0 and 1.
SHARES = [
    *("pairwise", "low", "high", "argmax", "both_sides", "coverage", "pairwise_covered"),
    *("ceiling", "ceiling_all", "published", "female", "male", "gap"),
]
_ALL = "all"


def mean_over_runs(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each share over the runs of a setup; "all" is each suite's last group.

    Args:
        groups: rows as in `suite.json`, with the columns run, seed, name (of the setup) and
            trained (the probe that the model was trained on).

    Returns:
        Columns: suite, group, name, trained; runs (their number), n and left_out (of one run); the
        means of `SHARES`, where low and high are null if there are several runs; least and most:
        the range over runs of pairwise or, where that is null, of gap.

    Raises:
        InputError: for two runs of one setup and seed with different results for a group.
    """
    by = ["suite", "group", "name", "trained"]
    rows = groups.drop_duplicates([*by, "seed", "n", "left_out", *SHARES])
    conflicts = rows[rows.duplicated([*by, "seed"], keep=False)]
    if len(conflicts):
        first, second = conflicts["run"].iloc[:2]
        raise InputError(
            f"{first} and {second}: different results for the same suite, group, cell, start, "
            "sizes and seed; report on one of them at a time"
        )
    rows = rows.assign(score=rows["pairwise"].fillna(rows["gap"]))
    setups = rows.groupby(by, sort=False)
    table = setups[SHARES].mean()
    has_several_runs = setups.size() > 1
    table[["low", "high"]] = table[["low", "high"]].where(~has_several_runs)
    table["least"], table["most"] = setups["score"].min(), setups["score"].max()
    table[["n", "left_out"]] = setups[["n", "left_out"]].first()
    table = table.assign(runs=setups.size()).reset_index()
    return table.sort_values("group", key=lambda group: group == _ALL, kind="stable")
