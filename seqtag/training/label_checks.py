"""Checks of the labels before training: what can be learned, and what chooses the best epoch."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.encode.counting import label_counts
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError, listed
from seqtag.labels import OUTSIDE

log = logging.getLogger("seqtag")

# Rarer types hardly change the score that chooses the best epoch.
_COMMON = 0.01


def check_labels(corpus: Corpus, labels: LabelSet, new: Collection[str] = ()) -> None:
    """Warn of types that the development split lacks.

    The best epoch is chosen by that split, and can be one before such a type was learned.

    Args:
        corpus: the corpus.
        labels: the labels of the tagger.
        new: labels that the tagger has not been trained on before (``init=``).

    Raises:
        InputError: if there is only one label.
    """
    if len(labels) == 1:
        raise InputError(
            f"every label of the training split is {labels.labels[0]!r}: there is nothing to learn"
        )
    if "dev" not in corpus.splits:
        return
    spanning = corpus.scheme != "plain"
    trained, dev = (
        _by_type(label_counts(corpus.splits[name]), spanning) for name in ("train", "dev")
    )
    new_types = _by_type(Counter(new), spanning)
    lacking = [
        type_
        for type_, count in trained.items()
        if type_ not in dev and (type_ in new_types or count >= _COMMON * trained.total())
    ]
    if lacking:
        log.warning(
            "the development split has no %s, so that the best epoch is chosen without regard to "
            "%s: hold out more or other sentences (data.dev_fraction=0.2, data.split_seed=1)",
            listed(sorted(lacking)),
            "it" if len(lacking) == 1 else "them",
        )


def _by_type(counts: Counter[str], spanning: bool) -> Counter[str]:
    """Return the counts of span types, without O, or of plain labels."""
    if not spanning:
        return counts
    types: Counter[str] = Counter()
    for label, count in counts.items():
        if label != OUTSIDE:
            types[label.partition("-")[2]] += count
    return types
