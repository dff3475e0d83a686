"""The probabilities of labels in the scheme of the corpus.

Legend: T words, K labels.
"""

import math
from collections.abc import Sequence

import numpy as np

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError

_NOT_NUMBERS = "this tagger computes probabilities that are not numbers: train it again"


def chosen_probabilities(labels: LabelSet, chosen: Sequence[str], p_TK: np.ndarray) -> list[float]:
    """Return the probability of the chosen label of each word.

    The labels in `chosen` are in the scheme of the corpus. The probability of each is the sum over
    all labels of the network that are converted to it.

    Args:
        labels: the label set of the network.
        chosen: the chosen label of each word, T labels.
        p_TK: the probabilities of the network's labels.

    Raises:
        InputError: for a probability that is not a number.
    """
    columns = _columns(labels)
    if labels.scheme != labels.corpus_scheme:
        chosen = list(map(_as_bio, chosen))
    values = [float(p_TK[t, columns[label]].sum()) for t, label in enumerate(chosen)]
    if any(map(math.isnan, values)):
        raise InputError(_NOT_NUMBERS)
    return [min(1.0, value) for value in values]


def most_probable(
    labels: LabelSet, p_TK: np.ndarray, count: int
) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Return the most probable labels of each word with their probabilities, best first.

    They are in the scheme of the network, or in bio if the corpus has another one.

    Raises:
        InputError: for a probability that is not a number.
    """
    if np.isnan(p_TK).any():
        raise InputError(_NOT_NUMBERS)
    if not len(p_TK):
        return ()
    columns = _columns(labels)
    names = list(columns)
    merged_TL = np.stack([p_TK[:, column].sum(1) for column in columns.values()], 1)
    best_TN = np.argsort(-merged_TL, axis=1, kind="stable")[:, :count]
    return tuple(
        tuple((names[i], min(1.0, float(p_L[i]))) for i in best_N)
        for best_N, p_L in zip(best_TN, merged_TL, strict=True)
    )


def _columns(labels: LabelSet) -> dict[str, list[int]]:
    """Return the columns of each label in (T, K).

    If the corpus has another scheme than the network, labels are those of bio. bio and bioes encode
    the same spans: B of bio is B or S of bioes, I is I or E.
    """
    known = labels.labels
    if labels.scheme != labels.corpus_scheme:
        known = tuple(map(_as_bio, known))
    columns: dict[str, list[int]] = {}
    for number, label in enumerate(known):
        columns.setdefault(label, []).append(number)
    return columns


def _as_bio(label: str) -> str:
    return {"S": "B", "E": "I"}.get(label[0], label[0]) + label[1:]
