"""Weights of labels in the loss (``model.label_weights={PER: 2.0}``)."""

from collections.abc import Mapping

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import unknown


def label_weights(weights: Mapping[str, float], labels: LabelSet) -> list[float]:
    """Return the weight of each label, in order; 1 for labels that are not named.

    A name is a label, or a type, which stands for all of its labels. A label comes before its type.

    Raises:
        InputError: for a name that is neither.
    """
    for name in weights:
        if name not in labels.labels and name not in labels.types:
            names = (*labels.types, *labels.labels)
            raise unknown("label or type in model.label_weights", name, names)
    types = {label: label.partition("-")[2] for label in labels.labels if labels.types}
    return [weights.get(label, weights.get(types.get(label, ""), 1.0)) for label in labels.labels]
