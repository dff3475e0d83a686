"""Precision, recall and F1 from counts."""

from collections.abc import Iterable, Sequence


def ratio(part: float, whole: float) -> float:
    """Return part / whole, or 0.0 if `whole` is 0."""
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


def macro_f1(counts: Iterable[Sequence[int]]) -> float:
    """Return the mean F1 of the labels that occur at all, 0.0 if none does.

    Args:
        counts: for each label the numbers of right, predicted and gold ones.
    """
    present = [rates(*row)["f1"] for row in counts if any(row)]
    return ratio(sum(present), len(present))
