"""95 % intervals for the mean of a few runs, and for shares of right answers.

Answers within one item are not independent: an item that is hard at one target is often hard at the
others. The accuracy of n such answers varies like that of fewer independent ones; the ratio of the
two numbers is the design effect (Kish 1965). Wilson's interval is taken at the smaller number.

G groups of items.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

# The 97.5 % quantile of the standard normal distribution.
_Z = 1.959964


def student(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of Student's 95 % interval for the mean of at least two values."""
    mean, spread = statistics.mean(values), statistics.stdev(values)
    half = _quantile(len(values) - 1) * spread / math.sqrt(len(values))
    return mean - half, mean + half


def _quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t with `freedom` degrees of freedom."""
    import mpmath

    def excess(t: float) -> Any:
        # The probability that |t| is exceeded (Abramowitz & Stegun 26.7.1), minus 5 %.
        x = freedom / (freedom + t * t)
        return mpmath.betainc(freedom / 2, 0.5, 0, x, regularized=True) - 0.05

    # The start values: 12.71 with one degree of freedom, 1.96 in the limit of many.
    return float(mpmath.findroot(excess, (1.9, 13), solver="anderson"))


def wilson(right_G: np.ndarray, n_G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's 95 % interval for each of G shares (Wilson 1927)."""
    share_G, z2_n_G = right_G / n_G, _Z**2 / n_G
    middle_G = share_G + z2_n_G / 2
    half_G = _Z * np.sqrt((share_G * (1 - share_G) + z2_n_G / 4) / n_G)
    low_G, high_G = (middle_G - half_G) / (1 + z2_n_G), (middle_G + half_G) / (1 + z2_n_G)
    # At 0 and 1, rounding could exclude the share itself from the interval.
    return np.clip(low_G, 0, share_G), np.clip(high_G, share_G, 1)


def design_effect(
    right_G: np.ndarray,
    n_G: np.ndarray,
    right_right_G: np.ndarray,
    right_n_G: np.ndarray,
    n_n_G: np.ndarray,
) -> np.ndarray:
    """Return the design effect of each group: n answers are worth n / effect independent ones.

    It is the variance of the share as a ratio of sums over items (Cochran 1977, section 9),
    divided by the variance for independent answers: 1 with one answer per item, and the number of
    answers per item if all answers of an item are equal. An item with only right and one with only
    wrong answers are added first, because the ratio is undefined if all answers are right. The
    effect is at least 1: negatively correlated answers do not count as more than independent ones.

    Args:
        right_G: sum over items of the number of right answers.
        n_G: sum of the number of answers.
        right_right_G: sum of the number of right answers squared.
        right_n_G: sum of the number of right answers times the number of answers.
        n_n_G: sum of the number of answers squared.
    """
    size_G = n_n_G / n_G  # of the added items: the mean size of an answer's item
    share_G = (right_G + size_G) / (n_G + 2 * size_G)
    squares_G = right_right_G + size_G**2 - 2 * share_G * (right_n_G + size_G**2)
    squares_G = squares_G + share_G**2 * (n_n_G + 2 * size_G**2)
    independent_G = (n_G + 2 * size_G) * share_G * (1 - share_G)
    effect_G = np.maximum(squares_G / independent_G, 1.0)
    return np.where(n_n_G == n_G, 1.0, effect_G)
