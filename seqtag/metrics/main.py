"""The main score of an evaluation, which selects the best model and is shown in tables."""

from collections.abc import Mapping
from typing import Any


def main_score(figures: Mapping[str, Any]) -> tuple[str, Any]:
    """Return name and value of the main score among the figures of an evaluation.

    Its name is under the key "metric". Figures of earlier versions lack that key: then it is F1 if
    they have it, else accuracy. The value is None if the figures have no such score.
    """
    name = figures.get("metric")
    if not isinstance(name, str) or name not in figures:
        name = "f1" if "f1" in figures else "accuracy"
    return name, figures.get(name)
