"""Suites judged by several runs: the groups of each setup, over its runs."""

import pandas as pd

from seqtag.errors import InputError

# What `suite.json` says of a group, as shares from 0 to 1.
SHARES = [
    *("pairwise", "low", "high", "argmax", "both_sides", "coverage", "pairwise_covered"),
    *("ceiling", "ceiling_all", "published", "female", "male", "gap"),
]
_ALL = "all"


def mean_over_runs(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each share over the runs of a setup; "all" is each suite's last group.

    Args:
        groups: rows of `reading.read_groups` with the column name, that of the setup.

    Returns:
        Columns: suite, group, name, trained (on which probe); runs, n and left_out (of one run);
        the means of `SHARES`, of which low and high are null where there are several runs; least
        and most: pairwise over runs, or where it is null, gap.

    Raises:
        InputError: for two runs of one setup and seed that say different things of a group.
    """
    by = ["suite", "group", "name", "trained"]
    rows = groups.drop_duplicates([*by, "seed", "n", "left_out", *SHARES])
    twice = rows[rows.duplicated([*by, "seed"], keep=False)]
    if len(twice):
        first, second = twice["run"].iloc[:2]
        raise InputError(
            f"{first} and {second}: the same suite and group, cell, start, sizes and seed twice; "
            "report on one of them at a time"
        )
    rows = rows.assign(score=rows["pairwise"].fillna(rows["gap"]))
    same = rows.groupby(by, sort=False)
    table = same[SHARES].mean()
    several = same.size() > 1
    table[["low", "high"]] = table[["low", "high"]].where(~several)
    table["least"], table["most"] = same["score"].min(), same["score"].max()
    table[["n", "left_out"]] = same[["n", "left_out"]].first()
    table = table.assign(runs=same.size()).reset_index()
    return table.sort_values("group", key=lambda group: group == _ALL, kind="stable")
