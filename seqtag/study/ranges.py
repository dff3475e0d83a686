"""How far a cell gets: d50, the range it solves, and the lags it learns."""

import numpy as np
import pandas as pd

from seqtag.columns import AXIS_IN
from seqtag.study.accuracy import PROBE, SETUP, SOLVED, factors_of, slices


def d50_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return d50, where accuracy is halfway down to chance, for each setup and split of a probe.

    The lower end of the accuracy's interval is first below (1 + chance) / 2 at some judged value
    of the axis; d50 is interpolated between that value and the one before, linearly in the
    logarithm of the axis (in the axis itself if it has a 0). The other factors are in range.

    Args:
        table: a probe's table from `summary`.

    Returns:
        Columns of probe and setup, split, d50 and text. If accuracy is never halfway lost, d50 is
        null and text is "> 500" (the last value); if it is lost at the first value, null and "< 5".
        If all answers at the crossing are right, but too few for the interval to be above the
        middle, text is "too few answers".
    """
    axis = factors_of(table)[0]
    rows = table[(table["slice"] == AXIS_IN) & (table["contrast"] == "")]
    table_rows = []
    for key, group in rows.groupby([*PROBE, *SETUP, "split"], dropna=False):
        group = group.sort_values(axis)
        where, text = _crossing(
            group[axis].to_numpy(float),
            group["accuracy"].to_numpy(),
            group["low"].to_numpy(),
            (1 + group["chance"].to_numpy()) / 2,
        )
        table_rows.append((*key, where, text))
    return pd.DataFrame(table_rows, columns=[*PROBE, *SETUP, "split", "d50", "text"])


def _crossing(
    value: np.ndarray, accuracy: np.ndarray, low: np.ndarray, half: np.ndarray
) -> tuple[float, str]:
    above = low - half
    if (above >= 0).all():
        return np.nan, f">\N{NO-BREAK SPACE}{value[-1]:g}"
    at = int(np.argmax(above < 0))
    if accuracy[at] == 1:
        return np.nan, "too few answers"
    if at == 0:
        return np.nan, f"<\N{NO-BREAK SPACE}{value[0]:g}"
    share = above[at - 1] / (above[at - 1] - above[at])
    start, end = value[at - 1 : at + 1]
    if value[0] > 0:
        where = np.exp(np.log(start) + share * (np.log(end) - np.log(start)))
    else:
        where = start + share * (end - start)
    return float(where), f"{where:.0f}"


def solved_up_to(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the largest value of the axis up to which each run solves every judged value.

    A value is solved if all answers are right, where whole items are judged, else if a share of
    `SOLVED` is right. The other factors are in range.

    Returns:
        One row for each run and split: columns of probe and setup, run, seed, split and reached,
        which is 0 if the first value is not solved.
    """
    axis = factors_of(counts)[0]
    chosen = next(counts[rows] for name, rows, _ in slices(counts) if name == AXIS_IN)
    threshold = 1.0 if counts["whole"].iloc[0] else SOLVED
    by = [*PROBE, *SETUP, "run", "seed", "split"]
    sums = chosen.groupby([*by, axis], observed=True, dropna=False)[["n", "right_model"]].sum()
    sums = sums.reset_index().sort_values(axis, kind="stable")
    sums["fails"] = sums["right_model"] < threshold * sums["n"]
    sums["fails"] = sums.groupby(by, observed=True, dropna=False)["fails"].cummax()
    sums["reached"] = sums[axis].where(~sums["fails"], 0)
    return sums.groupby(by, observed=True, dropna=False)["reached"].max().reset_index()


def lags(learn: pd.DataFrame) -> pd.DataFrame:
    """Return how many runs of each setup solved each trained lag, and in how many sequences.

    A run that stopped after a lag that it did not solve counts as not solving the longer ones.

    Args:
        learn: rows of `learn.csv`, of any number of probes.

    Returns:
        Columns: probe, setup (without regime), lag; budget, the largest of the runs; the number of
        runs: all (seeds), those that trained at the lag (tried) and those that solved it (solved);
        share, solved / seeds; median, least and most: sequences seen by the runs that solved it.
    """
    by = ["probe", *(name for name in SETUP if name not in ("regime", "lag"))]
    table_rows = []
    for key, group in learn.groupby(by, dropna=False):
        last = group.sort_values("lag").groupby("run").tail(1).set_index("run")
        for lag, rows in group.groupby("lag"):
            absent = last[~last.index.isin(rows["run"])]
            gave_up = int(((absent["lag"] < lag) & ~absent["solved"]).sum())
            seen = rows.loc[rows["solved"], "sequences"]
            seeds = len(rows) + gave_up
            figures = (rows["budget"].max(), seeds, len(rows), len(seen), len(seen) / seeds)
            table_rows.append((*key, lag, *figures, seen.median(), seen.min(), seen.max()))
    columns = ["budget", "seeds", "tried", "solved", "share", "median", "least", "most"]
    return pd.DataFrame(table_rows, columns=[*by, "lag", *columns])


def learned_lags(lags: pd.DataFrame) -> pd.DataFrame:
    """Return the longest lags that each setup learns, which more than half of its runs solve.

    Args:
        lags: rows of `lags`, with the name of the setup in the column name.

    Returns:
        Columns: probe, name; without_gap: the largest lag such that it and all shorter ones are
        learned; longest: the largest lag that is learned; tried: the largest lag that a run was
        trained at. 0 if there is none.
    """
    rows = lags.sort_values("lag", ignore_index=True)
    rows["most"] = rows["solved"] > rows["seeds"] / 2
    groups = rows.groupby(["probe", "name"], sort=False)
    so_far = groups["most"].cummin()
    table = rows.assign(
        without_gap=rows["lag"].where(so_far, 0), longest=rows["lag"].where(rows["most"], 0)
    )
    table = table.groupby(["probe", "name"], sort=False)
    return table.agg(
        without_gap=("without_gap", "max"), longest=("longest", "max"), tried=("lag", "max")
    ).reset_index()
