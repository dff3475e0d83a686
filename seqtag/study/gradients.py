"""Gradients through time over the runs of a setup: curves against the lag, and fitted slopes."""

import numpy as np
import pandas as pd

_BY = ["probe", "name", "when", "state"]


def mean_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the geometric mean of the curves of each setup, and their range.

    Args:
        curves: a row a run, curve and lag: probe, name, when, state, k, norm.

    Returns:
        Columns: probe, name, when, state, k; norm, the mean; least and most over runs.
    """
    with np.errstate(divide="ignore"):  # a memory that nothing reads any more has a norm of 0
        logs = np.log(curves["norm"])
    groups = curves.assign(log=logs).groupby([*_BY, "k"], sort=False)
    table = groups["norm"].agg(least="min", most="max").assign(norm=np.exp(groups["log"].mean()))
    return table.reset_index()


def mean_slopes(slopes: pd.DataFrame) -> pd.DataFrame:
    """Return by which factor the gradient of each setup changes at a step back, and the range.

    Args:
        slopes: a row a run and curve: probe, name, when, state, slope (of ln norm, a step), kept
            (mean ln of the share that the forget gate keeps at a step).

    Returns:
        Columns: probe, name, when, state; runs; factor, the geometric mean over runs; least and
        most over runs; kept, the geometric mean of the share kept at a step.
    """
    groups = slopes.groupby(_BY, sort=False)
    table = np.exp(groups["slope"].agg(factor="mean", least="min", most="max"))
    table = table.assign(kept=np.exp(groups["kept"].mean()), runs=groups.size())
    return table.reset_index()
