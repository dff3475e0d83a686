"""Intervals of 95 %: of the mean of a few runs, and of shares of right answers.

Answers within an item are not independent: what loses one often loses the others. Their accuracy
then varies as that of fewer independent answers would, by a factor that is called the design
effect (Kish 1965); Wilson's interval is taken at that smaller number. G groups of items.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

# The quantile of the normal distribution for intervals of 95 %.
_Z = 1.959964


def student(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of Student's interval of 95 % for the mean of at least two values."""
    mean, spread = statistics.mean(values), statistics.stdev(values)
    half = _quantile(len(values) - 1) * spread / math.sqrt(len(values))
    return mean - half, mean + half


def _quantile(freedom: int) -> float:
    """Return the quantile of 97.5 % of Student's t with so many degrees of freedom."""
    import mpmath

    def beyond(t: float) -> Any:
        # Abramowitz & Stegun 26.7.1: how often |t| is exceeded.
        x = freedom / (freedom + t * t)
        return mpmath.betainc(freedom / 2, 0.5, 0, x, regularized=True) - 0.05

    # 12.71 with one degree of freedom, 1.96 with ever more.
    return float(mpmath.findroot(beyond, (1.9, 13), solver="anderson"))


def wilson(right_G: np.ndarray, n_G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's interval of 95 % for each of G shares (Wilson 1927)."""
    share_G, z2_n_G = right_G / n_G, _Z**2 / n_G
    middle_G = share_G + z2_n_G / 2
    half_G = _Z * np.sqrt((share_G * (1 - share_G) + z2_n_G / 4) / n_G)
    low_G, high_G = (middle_G - half_G) / (1 + z2_n_G), (middle_G + half_G) / (1 + z2_n_G)
    # At the ends of the scale rounding would leave the interval beside the share.
    return np.clip(low_G, 0, share_G), np.clip(high_G, share_G, 1)


def design_effect(
    right_G: np.ndarray,
    n_G: np.ndarray,
    right_right_G: np.ndarray,
    right_n_G: np.ndarray,
    n_n_G: np.ndarray,
) -> np.ndarray:
    """Return how many answers are worth one independent answer in each group, at least 1.

    That is the variance of the share as a ratio of sums over items (Cochran 1977, section 9),
    over the variance that independent answers would have: 1 with one answer an item, their
    number where all answers of an item are always alike. An item that is all right and one that is
    all wrong are added first; else nothing could be said where all answers are right, which is
    also where right answers of the same item count for least. Answers of one item that exclude
    each other are not taken for more than they are.

    Args:
        right_G: sum over items of their right answers.
        n_G: of their answers.
        right_right_G: of their right answers squared.
        right_n_G: of their right answers times their answers.
        n_n_G: of their answers squared.
    """
    size_G = n_n_G / n_G  # of the added items: the mean number of answers beside an answer
    share_G = (right_G + size_G) / (n_G + 2 * size_G)
    squares_G = right_right_G + size_G**2 - 2 * share_G * (right_n_G + size_G**2)
    squares_G = squares_G + share_G**2 * (n_n_G + 2 * size_G**2)
    independent_G = (n_G + 2 * size_G) * share_G * (1 - share_G)
    effect_G = np.maximum(squares_G / independent_G, 1.0)
    return np.where(n_n_G == n_G, 1.0, effect_G)
