"""Averages of gradient curves and fitted slopes over the runs of a setup."""

import numpy as np
import pandas as pd

_BY = ["probe", "name", "when", "state"]


def mean_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the geometric mean of the curves of each setup, and their range.

    Args:
        curves: one row for each run, curve and lag: probe, name, when, state, k, norm.

    Returns:
        Columns: probe, name, when, state, k; norm, the mean; least and most over runs.
    """
    with np.errstate(divide="ignore"):  # a state that nothing reads later has a norm of 0
        logs = np.log(curves["norm"])
    groups = curves.assign(log=logs).groupby([*_BY, "k"], sort=False)
    table = groups["norm"].agg(least="min", most="max").assign(norm=np.exp(groups["log"].mean()))
    return table.reset_index()


def mean_slopes(slopes: pd.DataFrame) -> pd.DataFrame:
    """Return the factor by which each setup's gradient changes per step back, and its range.

    Args:
        slopes: one row for each run and curve: probe, name, when, state, slope (of ln norm, per
            step), kept (mean ln of the share that the forget gate keeps per step).

    Returns:
        Columns: probe, name, when, state; runs; factor, the geometric mean over runs; least and
        most over runs; kept, the geometric mean of the share kept per step.
    """
    groups = slopes.groupby(_BY, sort=False)
    table = np.exp(groups["slope"].agg(factor="mean", least="min", most="max"))
    table = table.assign(kept=np.exp(groups["kept"].mean()), runs=groups.size())
    return table.reset_index()
