"""From a network's scores to labels and probabilities that can be relied on.

Legend: B sentences, T words, K labels.
"""

import math
from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model.network import TaggerNetwork


def check_scores(network: TaggerNetwork, emissions_BTK: Tensor) -> None:
    """Refuse scores that are not finite: the best of them would be any label, with no warning.

    Raises:
        InputError: naming weights of the network that are not finite.
    """
    sound = emissions_BTK.isfinite().all()
    if network.crf is not None:
        # A step may be forbidden by a weight of minus infinity; NaN compares as false.
        for weight in network.crf.parameters():
            sound = sound & (weight < torch.inf).all()
    if sound:
        return
    wrong = (name for name, p in network.named_parameters() if not p.isfinite().all())
    names = ", ".join(islice(wrong, 3))
    reason = f"weights that are not: {names}" if names else "its weights are, but overflow"
    raise InputError(
        f"this tagger computes scores of labels that are not finite numbers ({reason}). Its "
        "training diverged, or its weights were damaged since: train it again, with a lower "
        "learning rate if the loss became nan, or load another model"
    )


def check_labels(ids_BT: Tensor, lengths: Sequence[int]) -> None:
    """Refuse labels that are not there, which mean that no sequence of labels is allowed.

    Raises:
        InputError: if a word has no label.
    """
    if int((ids_BT >= 0).sum()) != sum(lengths):
        raise InputError(
            "this tagger's labels and the weights of their transitions allow no labels for a "
            "sentence of this length: its model folder is damaged; train it again"
        )


def chosen_probabilities(labels: LabelSet, chosen: Sequence[str], p_TK: np.ndarray) -> list[float]:
    """Return the probability of each chosen label, from those of the network's labels.

    `chosen` are in the scheme of the corpus: the probabilities of all labels of the network that
    are written so are added up.

    Raises:
        InputError: for a probability that is not a number.
    """
    known = labels.labels
    if labels.scheme != labels.corpus_scheme:
        # bio and bioes describe the same spans: B is B or S of the other, I is I or E.
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
