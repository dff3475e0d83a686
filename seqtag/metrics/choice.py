"""The values of ``metric=``: a registered metric, the loss, or a figure of one label.

    metric=f1         the main figure of a registered metric
    metric=macro_f1   mean F1 of all types of spans, or of all labels
    metric=f1.PER     a figure of one type or label; also precision.PER and recall.PER
    metric=loss       the mean loss of a sentence; lower is better

This module does not import torch.
"""

from typing import NamedTuple

from seqtag.errors import InputError, unknown
from seqtag.metrics.registry import SCORES

LOSS, MACRO_F1 = "loss", "macro_f1"
# Figures of each label.
_OF_A_LABEL = ("f1", "precision", "recall")


class Choice(NamedTuple):
    """A parsed value of ``metric=``.

    Attributes:
        name: a registered metric, "loss", or a figure of the default metrics.
        label: the label or type whose figure it is; None for a figure of all.
    """

    name: str
    label: str | None = None

    def __str__(self) -> str:
        return self.name if self.label is None else f"{self.name}.{self.label}"


def parse_metric(text: str) -> Choice:
    """Return the parsed value of ``metric=``.

    Raises:
        InputError: if there is no such metric.
    """
    if text in (LOSS, MACRO_F1) or text in SCORES:
        return Choice(text)
    figure, dot, label = text.partition(".")
    if dot and label and figure in _OF_A_LABEL:
        return Choice(figure, label)
    known = [*SCORES.names(), LOSS, MACRO_F1, "f1.TYPE"]
    raise InputError(
        f"{unknown('metric', text, known)}; a metric of an installed package needs an entry point "
        f"in {SCORES.group}"
    )


def is_higher_better(text: str | None) -> bool:
    """Return whether a higher value of ``metric=`` is better; None is the default metric."""
    if text is None:
        return True
    choice = parse_metric(text)
    if choice.name in SCORES and choice.label is None:
        return bool(SCORES[choice.name].cls.higher_is_better)
    return choice.name != LOSS
