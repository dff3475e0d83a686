"""The main score of an evaluation, which selects the best model and is shown in tables."""

from collections.abc import Mapping
from typing import Any

from seqtag.metrics.choice import LOSS


def main_score(figures: Mapping[str, Any]) -> tuple[str, Any]:
    """Return name and value of the main score among the figures of an evaluation.

    Its name is under the key "metric". Figures of earlier versions lack that key: then it is F1 if
    they have it, else accuracy. The value is None if the figures have no such score.
    """
    name = figures.get("metric")
    if not isinstance(name, str) or name not in figures:
        name = "f1" if "f1" in figures else "accuracy"
    return name, figures.get(name)


def is_share(name: str) -> bool:
    """Return whether a score is a share, shown in per cent; its split may precede the name."""
    return name.rpartition(" ")[2] != LOSS


def score_text(name: str, value: float) -> str:
    """Return a score as text: "93.17%"; a loss, which is not a share: "0.4312"."""
    return f"{value:.2%}" if is_share(name) else f"{value:.4f}"
