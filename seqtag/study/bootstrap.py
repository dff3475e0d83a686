"""Paired bootstrap: differences of accuracy between setups on the same items, with intervals.

R runs, N items, U groups of items with equal results, B resamplings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seqtag.study.accuracy import factors_of

RESAMPLINGS = 2000
# Resamplings drawn at a time, to bound memory.
_AT_A_TIME = 50


@dataclass(frozen=True)
class ItemCounts:
    """Right answers of one run on each item.

    Attributes:
        items: a row for each item: number, split, within, factors.
        items_digest: a digest of the items; equal for two runs on the same items.
        right: number of right answers of each item (N).
        n: number of answers of each item (N).
    """

    items: pd.DataFrame
    items_digest: str
    right: np.ndarray
    n: np.ndarray


def item_counts(answers: pd.DataFrame) -> ItemCounts:
    """Count the right answers of a run on each item; `answers` in the order of `items.parquet`."""
    by = ["split", "item"]
    groups = answers.groupby(by, observed=True, sort=True)
    items = groups[["within", *factors_of(answers)]].first().reset_index()
    right, n = groups["right"].sum(), groups.size()
    identity = answers[["split", "item", "position", "gold", *factors_of(answers)]]
    hashes = pd.util.hash_pandas_object(identity.sort_values([*by, "position"]), index=False)
    source = answers[["probe", "version", "data_seed"]].iloc[0]
    source_text = " ".join(map(str, source))
    digest = f"{source_text} {len(hashes)} {_combined(hashes.to_numpy()):x}"
    return ItemCounts(items, digest, right.to_numpy(np.int64), n.to_numpy(np.int64))


def _combined(hashes: np.ndarray) -> int:
    """Combine a sequence of hashes into one number that depends on their order."""
    weights = np.arange(1, 2 * len(hashes), 2, dtype=np.uint64)
    return int((hashes * weights).sum(dtype=np.uint64))


def compare(
    runs: Sequence[ItemCounts], names: Sequence[str], reference: str, split: str, within: bool
) -> pd.DataFrame:
    """Return each setup's difference of accuracy to the reference, on the items of one region.

    Items are resampled together for all runs, seeds separately for each setup, 2000 times with a
    fixed random seed; the interval holds the middle 95 % of the differences.

    Args:
        runs: of one probe. Runs on other items than the reference's are left out.
        names: each run's setup.
        reference: the setup that others are compared to.
        split: the split whose items are used.
        within: whether to use the items within the training range, or those beyond it.

    Returns:
        A row for each setup except the reference, with the columns name, items, seeds, difference,
        low, high; no rows if there are no items or no run of the reference.
    """
    columns = ["name", "items", "seeds", "difference", "low", "high"]
    first = next((run for run, name in zip(runs, names, strict=True) if name == reference), None)
    if first is None:
        return pd.DataFrame(columns=columns)
    rows = ((first.items["split"] == split) & (first.items["within"] == within)).to_numpy()
    comparable = [
        (run, name)
        for run, name in zip(runs, names, strict=True)
        if run.items_digest == first.items_digest
    ]
    if not rows.any():
        return pd.DataFrame(columns=columns)
    of_run = np.array([name for _, name in comparable])
    right_RN = np.stack([run.right[rows] for run, _ in comparable])
    n_N = first.n[rows]
    observed_R = right_RN.sum(axis=1) / n_N.sum()
    rng = np.random.default_rng(0)
    drawn_BR = np.concatenate(list(_resampled(rng, right_RN, n_N)))
    means = {}
    for name in dict.fromkeys(names):
        own = np.flatnonzero(of_run == name)
        if len(own):
            means[name] = observed_R[own].mean(), _over_seeds(rng, drawn_BR[:, own]), len(own)
    reference_mean, reference_B, _ = means.pop(reference)
    table = []
    for name, (mean, mean_B, seeds) in means.items():
        low, high = np.percentile(mean_B - reference_B, [2.5, 97.5])
        table.append((name, len(n_N), seeds, mean - reference_mean, low, high))
    return pd.DataFrame(table, columns=columns)


def _resampled(
    rng: np.random.Generator, right_RN: np.ndarray, n_N: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield accuracies of runs on resampled items, in batches of resamplings (B, R).

    Items with equal results in all runs are grouped; drawing a multinomial number of items from
    each group has the same distribution as drawing items one by one.
    """
    groups, size_U = np.unique(np.vstack([right_RN, n_N]), axis=1, return_counts=True)
    share_U = size_U / size_U.sum()
    for start in range(0, RESAMPLINGS, _AT_A_TIME):
        size = min(_AT_A_TIME, RESAMPLINGS - start)
        drawn_BU = rng.multinomial(len(n_N), share_U, size=size).astype(float)
        sums = drawn_BU @ groups.T.astype(float)
        yield sums[:, :-1] / sums[:, -1:]


def _over_seeds(rng: np.random.Generator, drawn_BR: np.ndarray) -> np.ndarray:
    """Return the mean over runs, resampled with replacement in each resampling (B)."""
    runs = drawn_BR.shape[1]
    chosen_BR = rng.integers(runs, size=drawn_BR.shape)
    return np.take_along_axis(drawn_BR, chosen_BR, axis=1).mean(axis=1)
