"""The probabilities of chosen labels.

Legend: T words, K labels.
"""

import math
from collections.abc import Sequence

import numpy as np

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError


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
    known = labels.labels
    if labels.scheme != labels.corpus_scheme:
        # bio and bioes encode the same spans: B of bio is B or S of bioes, I is I or E.
        known, chosen = list(map(_as_bio, known)), list(map(_as_bio, chosen))
    columns: dict[str, list[int]] = {}
    for number, label in enumerate(known):
        columns.setdefault(label, []).append(number)
    values = [float(p_TK[t, columns[label]].sum()) for t, label in enumerate(chosen)]
    if any(map(math.isnan, values)):
        raise InputError("this tagger computes probabilities that are not numbers: train it again")
    return [min(1.0, value) for value in values]


def _as_bio(label: str) -> str:
    return {"S": "B", "E": "I"}.get(label[0], label[0]) + label[1:]
