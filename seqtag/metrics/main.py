"""The main score of an evaluation: what models are chosen by, and what tables show."""

from collections.abc import Mapping
from typing import Any


def main_score(figures: Mapping[str, Any]) -> tuple[str, Any]:
    """Return name and value of the main score among the figures of an evaluation.

    Figures name it under "metric". Those of earlier versions do not: it is F1 where there are
    spans, else accuracy. The value is None where the figures have none.
    """
    name = figures.get("metric")
    if not isinstance(name, str) or name not in figures:
        name = "f1" if "f1" in figures else "accuracy"
    return name, figures.get(name)
