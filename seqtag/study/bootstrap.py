"""Which cell is better, and how surely: differences of accuracy on the same items.

R runs, N items, U kinds of items, B resamplings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seqtag.study.accuracy import factors_of

RESAMPLINGS = 2000
# Resamplings drawn at a time: so many rows of so many kinds of items fit into memory.
_AT_A_TIME = 50


@dataclass(frozen=True)
class Outcomes:
    """What one run made of each item.

    Attributes:
        items: what the items are: number, split, within, factors.
        same: equal for two runs on the same items.
        right: right units of each item (N).
        n: units of each item (N).
    """

    items: pd.DataFrame
    same: str
    right: np.ndarray
    n: np.ndarray


def outcomes(units: pd.DataFrame) -> Outcomes:
    """Return what a run made of each item, from its units in the order of `items.parquet`."""
    by = ["split", "item"]
    groups = units.groupby(by, observed=True, sort=True)
    items = groups[["within", *factors_of(units)]].first().reset_index()
    right, n = groups["right"].sum(), groups.size()
    marked = units[["split", "item", "position", "gold", *factors_of(units)]]
    hashes = pd.util.hash_pandas_object(marked.sort_values([*by, "position"]), index=False)
    seeds = units[["probe", "version", "data_seed"]].iloc[0]
    same = f"{' '.join(map(str, seeds))} {len(hashes)} {_folded(hashes.to_numpy()):x}"
    return Outcomes(items, same, right.to_numpy(np.int64), n.to_numpy(np.int64))


def _folded(hashes: np.ndarray) -> int:
    """Return one number for a row of hashes, their order included."""
    place = np.arange(1, 2 * len(hashes), 2, dtype=np.uint64)
    return int((hashes * place).sum(dtype=np.uint64))


def compare(
    runs: Sequence[Outcomes], names: Sequence[str], reference: str, split: str, within: bool
) -> pd.DataFrame:
    """Return each setup's difference of accuracy to the reference, on the items of one region.

    Items are resampled together for all runs, seeds for each setup on its own, 2000 times from a
    fixed seed; the interval holds the middle 95 % of the differences.

    Args:
        runs: of one probe. Those whose items are others than the reference's are left out.
        names: each run's setup.
        reference: the setup that others are compared to.
        split: which items.
        within: those within the training range, or those beyond.

    Returns:
        Columns: name, items, seeds, difference, low, high; nothing for the reference itself, and
        no rows where there are no items or no run of the reference.
    """
    columns = ["name", "items", "seeds", "difference", "low", "high"]
    first = next((run for run, name in zip(runs, names, strict=True) if name == reference), None)
    if first is None:
        return pd.DataFrame(columns=columns)
    rows = ((first.items["split"] == split) & (first.items["within"] == within)).to_numpy()
    kept = [(run, name) for run, name in zip(runs, names, strict=True) if run.same == first.same]
    if not rows.any():
        return pd.DataFrame(columns=columns)
    of_run = np.array([name for _, name in kept])
    right_RN = np.stack([run.right[rows] for run, _ in kept])
    n_N = first.n[rows]
    observed_R = right_RN.sum(axis=1) / n_N.sum()
    rng = np.random.default_rng(0)
    drawn_BR = np.concatenate(list(_resampled(rng, right_RN, n_N)))
    means = {}
    for name in dict.fromkeys(names):
        own = np.flatnonzero(of_run == name)
        if len(own):
            means[name] = observed_R[own].mean(), _over_seeds(rng, drawn_BR[:, own]), len(own)
    at, at_B, _ = means.pop(reference)
    table = []
    for name, (mean, mean_B, seeds) in means.items():
        low, high = np.percentile(mean_B - at_B, [2.5, 97.5])
        table.append((name, len(n_N), seeds, mean - at, low, high))
    return pd.DataFrame(table, columns=columns)


def _resampled(
    rng: np.random.Generator, right_RN: np.ndarray, n_N: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield accuracies of runs on resampled items, some resamplings at a time (B, R).

    Items that came out alike in all runs are one kind; how many of each kind are drawn is
    distributed as if items were drawn one by one.
    """
    kinds, often_U = np.unique(np.vstack([right_RN, n_N]), axis=1, return_counts=True)
    share_U = often_U / often_U.sum()
    for start in range(0, RESAMPLINGS, _AT_A_TIME):
        size = min(_AT_A_TIME, RESAMPLINGS - start)
        drawn_BU = rng.multinomial(len(n_N), share_U, size=size).astype(float)
        sums = drawn_BU @ kinds.T.astype(float)
        yield sums[:, :-1] / sums[:, -1:]


def _over_seeds(rng: np.random.Generator, drawn_BR: np.ndarray) -> np.ndarray:
    """Return the mean over runs drawn anew in each resampling (B)."""
    runs = drawn_BR.shape[1]
    chosen_BR = rng.integers(runs, size=drawn_BR.shape)
    return np.take_along_axis(drawn_BR, chosen_BR, axis=1).mean(axis=1)
