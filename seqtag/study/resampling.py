"""Bootstrap intervals of shares over sentences and runs.

R runs, S sentences, B resamplings.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

RESAMPLINGS = 1000


class Share(NamedTuple):
    """A share with its 95 % interval; all nan if there is nothing to count."""

    mean: float
    low: float
    high: float


def share(right_RS: np.ndarray, n_S: np.ndarray) -> Share:
    """Return the mean over runs of their shares of right answers, with a bootstrap interval.

    Sentences are resampled together for all runs, and runs too if there are several, 1000 times
    with a fixed seed; the interval holds the middle 95 %.

    Args:
        right_RS: right answers of each run in each sentence, or differences of such numbers.
        n_S: answers of each sentence.
    """
    used_S = n_S > 0
    if not used_S.any():
        return Share(np.nan, np.nan, np.nan)
    right_RS, n_S = right_RS[:, used_S].astype(float), n_S[used_S].astype(float)
    drawn_BS, chosen_BR = _draws(len(n_S), len(right_RS))
    share_BR = (drawn_BS @ right_RS.T) / (drawn_BS @ n_S)[:, None]
    mean_B = np.take_along_axis(share_BR, chosen_BR, axis=1).mean(axis=1)
    return _with_interval(float((right_RS.sum(axis=1) / n_S.sum()).mean()), mean_B)


def ratio(top_RS: np.ndarray, bottom_RS: np.ndarray) -> Share:
    """Return the mean over runs of the ratios of two sums, such as F1, with an interval as `share`.

    Args:
        top_RS: what is summed for each run in each sentence.
        bottom_RS: what its sum is divided by.
    """
    mean, mean_B = _ratios(top_RS, bottom_RS, 0)
    return _with_interval(mean, mean_B)


def difference(
    top_RS: np.ndarray, bottom_RS: np.ndarray, other_top_RS: np.ndarray, other_bottom_RS: np.ndarray
) -> Share:
    """Return how much larger the ratio of one setup is than that of another, with an interval.

    Both are drawn on the same sentences, and each on runs of its own.
    """
    mean, mean_B = _ratios(top_RS, bottom_RS, 0)
    other, other_B = _ratios(other_top_RS, other_bottom_RS, 1)
    return _with_interval(mean - other, mean_B - other_B)


def _ratios(top_RS: np.ndarray, bottom_RS: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
    """Return the mean over runs, and that of each resampling (B); nan where nothing is counted."""
    runs, sentences = top_RS.shape
    drawn_BS, _ = _draws(sentences, 1)
    chosen_BR = np.random.default_rng(seed).integers(runs, size=(RESAMPLINGS, runs))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio_BR = (drawn_BS @ top_RS.T) / (drawn_BS @ bottom_RS.T)
        mean = float((top_RS.sum(axis=1) / bottom_RS.sum(axis=1)).mean())
    return mean, np.take_along_axis(ratio_BR, chosen_BR, axis=1).mean(axis=1)


def _with_interval(mean: float, mean_B: np.ndarray) -> Share:
    if np.isnan(mean):
        return Share(np.nan, np.nan, np.nan)
    # Nothing may be counted in some resamplings of a few sentences.
    low, high = np.nanpercentile(mean_B, [2.5, 97.5])
    # Rounding could exclude the share itself where all answers are equal.
    return Share(mean, min(float(low), mean), max(float(high), mean))


@lru_cache(maxsize=1)  # with many sentences it takes much memory
def _draws(sentences: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each sentence is drawn in each resampling (B, S), and the runs (B, R)."""
    rng = np.random.default_rng(0)
    drawn_BS = rng.multinomial(sentences, np.full(sentences, 1 / sentences), RESAMPLINGS)
    return drawn_BS.astype(float), rng.integers(runs, size=(RESAMPLINGS, runs))


def by_sentence(value_RN: np.ndarray, sentence_N: np.ndarray, sentences: int) -> np.ndarray:
    """Return the sums of some values over the readings of each sentence (R, S)."""
    return np.stack([np.bincount(sentence_N, value_N, sentences) for value_N in value_RN])
