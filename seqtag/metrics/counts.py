"""What the count metrics share: integer states, and rates that survive a zero."""

from __future__ import annotations

from torchmetrics import Metric


class CountMetric(Metric):
    """A metric whose states are sums of counts, and so exact however the data is split up.

    `compute` returns plain numbers. An evaluation of nothing is no mistake: all counts are 0.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    @property
    def update_called(self) -> bool:
        """True: states start as valid counts, so computing at once deserves no warning."""
        return True


def ratio(part: int, whole: int) -> float:
    """Return part / whole, and 0.0 where there is nothing to divide by."""
    return part / whole if whole else 0.0


def rates(correct: int, predicted: int, gold: int) -> dict[str, float]:
    """Return precision, recall and F1 of these counts.

    F1 is their harmonic mean, 2 correct / (predicted + gold).
    """
    return {
        "precision": ratio(correct, predicted),
        "recall": ratio(correct, gold),
        "f1": ratio(2 * correct, predicted + gold),
    }
