"""How far a cell gets: where accuracy is half lost, up to where it holds, which lags it learns."""

import numpy as np
import pandas as pd

from seqtag.columns import AXIS_IN
from seqtag.study.accuracy import PROBE, SETUP, SOLVED, factors_of, slices


def half_lost(table: pd.DataFrame) -> pd.DataFrame:
    """Return where accuracy is halfway down to chance, for each setup and split of a probe.

    It is the least value of the axis at which the lower end of the interval is below
    (1 + chance) / 2, read off between this value and the one before on straight lines over the
    logarithm of the axis (over the axis itself where it has a 0). The other factors are in range.

    Args:
        table: a probe's table from `summary`.

    Returns:
        Columns of probe and setup, split, d50 and text. Where all values hold, d50 is null and
        text is "> 500"; where the first one does not, null and "< 5", and where all
        answers at that value are right, but so few that they prove nothing, "too few answers".
    """
    axis = factors_of(table)[0]
    rows = table[(table["slice"] == AXIS_IN) & (table["contrast"] == "")]
    found = []
    for key, group in rows.groupby([*PROBE, *SETUP, "split"], dropna=False):
        group = group.sort_values(axis)
        where, text = _crossing(
            group[axis].to_numpy(float),
            group["accuracy"].to_numpy(),
            group["low"].to_numpy(),
            (1 + group["chance"].to_numpy()) / 2,
        )
        found.append((*key, where, text))
    return pd.DataFrame(found, columns=[*PROBE, *SETUP, "split", "d50", "text"])


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


def unbroken(counts: pd.DataFrame) -> pd.DataFrame:
    """Return up to which value of the axis each run is right at every judged value.

    Right is: in all units where whole items are judged, else in a share of `SOLVED`. The other
    factors are in range.

    Returns:
        A row each run and split: columns of probe and setup, run, seed, split and reached, which
        is 0 where the first value fails.
    """
    axis = factors_of(counts)[0]
    chosen = next(counts[rows] for name, rows, _ in slices(counts) if name == AXIS_IN)
    asked = 1.0 if counts["whole"].iloc[0] else SOLVED
    by = [*PROBE, *SETUP, "run", "seed", "split"]
    sums = chosen.groupby([*by, axis], observed=True, dropna=False)[["n", "right_model"]].sum()
    sums = sums.reset_index().sort_values(axis, kind="stable")
    sums["fails"] = sums["right_model"] < asked * sums["n"]
    sums["fails"] = sums.groupby(by, observed=True, dropna=False)["fails"].cummax()
    sums["reached"] = sums[axis].where(~sums["fails"], 0)
    return sums.groupby(by, observed=True, dropna=False)["reached"].max().reset_index()


def lags(learn: pd.DataFrame) -> pd.DataFrame:
    """Return what was learned at each trained lag, over the runs of a setup.

    A run that stopped trying after a lag that it did not solve counts as one that does not solve
    the longer ones either.

    Args:
        learn: rows of `learn.csv`, of any number of probes.

    Returns:
        Columns: probe, setup (less regime), lag; budget, the largest; seeds (runs), tried, solved
        and share, solved / seeds; median, least and most: the sequences seen by those that solved.
    """
    by = ["probe", *(name for name in SETUP if name not in ("regime", "lag"))]
    found = []
    for key, group in learn.groupby(by, dropna=False):
        last = group.sort_values("lag").groupby("run").tail(1).set_index("run")
        for lag, rows in group.groupby("lag"):
            absent = last[~last.index.isin(rows["run"])]
            gave_up = int(((absent["lag"] < lag) & ~absent["solved"]).sum())
            seen = rows.loc[rows["solved"], "sequences"]
            seeds = len(rows) + gave_up
            figures = (rows["budget"].max(), seeds, len(rows), len(seen), len(seen) / seeds)
            found.append((*key, lag, *figures, seen.median(), seen.min(), seen.max()))
    columns = ["budget", "seeds", "tried", "solved", "share", "median", "least", "most"]
    return pd.DataFrame(found, columns=[*by, "lag", *columns])


def learned(lags: pd.DataFrame) -> pd.DataFrame:
    """Return up to which lag each setup learns: those that more than half of its runs solve.

    Args:
        lags: rows of `lags` with the column name, that of the setup.

    Returns:
        Columns: probe, name; unbroken: the largest lag such that it and all shorter ones are
        learned; longest: the largest that is; tried: the largest that a run was trained at.
        0 where none is.
    """
    rows = lags.sort_values("lag", ignore_index=True)
    rows["most"] = rows["solved"] > rows["seeds"] / 2
    groups = rows.groupby(["probe", "name"], sort=False)
    so_far = groups["most"].cummin()
    table = rows.assign(
        unbroken=rows["lag"].where(so_far, 0), longest=rows["lag"].where(rows["most"], 0)
    )
    table = table.groupby(["probe", "name"], sort=False)
    return table.agg(
        unbroken=("unbroken", "max"), longest=("longest", "max"), tried=("lag", "max")
    ).reset_index()
