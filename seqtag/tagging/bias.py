"""A dial between precision and recall: the odds of chosen labels, multiplied by a factor.

Legend: K labels.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError, shown, unknown

# Factors beyond these would hide all other labels, or a mistake.
_LEAST, _MOST = 1e-6, 1e6


def bias_scores(labels: LabelSet, bias: Mapping[str, Any], key: str = "bias") -> np.ndarray | None:
    """Return the number to add to the score of each label: the logarithms of the factors, (K,).

    Return None if all factors are 1.

    Args:
        labels: the labels of the tagger.
        bias: factors by span type or ``O``; by label if the labels are plain.
        key: the setting, for messages.

    Raises:
        InputError: for a name that is no type or label, and for a wrong factor.
    """
    plain = labels.scheme == "plain"
    names = [label if plain or label == "O" else label.partition("-")[2] for label in labels.labels]
    for name, factor in bias.items():
        if name not in names:
            raise unknown(f"{'label' if plain else 'type'} in {key}", name, dict.fromkeys(names))
        is_number = isinstance(factor, int | float) and not isinstance(factor, bool)
        if not is_number or not _LEAST <= factor <= _MOST:
            raise InputError(
                f"{key}: {name}={shown(factor)}: must be a number from {_LEAST:g} to {_MOST:g}, by "
                "which the odds are multiplied; 1 changes nothing"
            )
    if all(factor == 1 for factor in bias.values()):
        return None
    return np.array([math.log(bias.get(name, 1)) for name in names], np.float32)
