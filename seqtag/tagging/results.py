"""What taggers compute for a batch, and the tagged sentences that are made of it.

Legend: T words, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import Sentence
from seqtag.tagging.output import Alternative, TaggedSentence, tagged_sentence
from seqtag.tagging.probabilities import chosen_probabilities, most_probable

# The largest numbers of alternatives, and of labels for each token.
MOST_LISTED = 1_000


class Wanted(NamedTuple):
    """What to compute in addition to labels, see `BaseTagger.tag`."""

    probabilities: bool = False
    certainty: bool = False
    alternatives: int = 0
    top_labels: int = 0


class LabelPath(NamedTuple):
    """A sequence of label ids and its probability."""

    ids: list[int]
    probability: float


class Decoded(NamedTuple):
    """What the network returns for a batch, by sentence; None for what is not `Wanted`.

    Attributes:
        ids: the ids of the labels, as many as the sentence has words.
        probabilities: the probability of every label at each word: (T, K); for `top_labels` too.
        certainties: the certainty of the sentence.
        paths: the most probable sequences of labels, best first; None: the network has none.
    """

    ids: Sequence[list[int]]
    probabilities: Sequence[np.ndarray | None]
    certainties: Sequence[float | None]
    paths: Sequence[Sequence[LabelPath]] | None = None


class Result(NamedTuple):
    """What the network returns for a sentence, see `Decoded`."""

    ids: Sequence[int]
    p_TK: np.ndarray | None = None
    certainty: float | None = None
    paths: Sequence[LabelPath] = ()


def combine(
    sentence: Sentence, result: Result, labels: LabelSet, scheme: str | None, wanted: Wanted
) -> TaggedSentence:
    """Return a sentence with what the network returned for it.

    Args:
        sentence: the sentence.
        result: what the network returned.
        labels: the label set of the network.
        scheme: the scheme in which labels are written; None: that of the corpus.
        wanted: what the sentence gets in addition to labels.
    """
    own = labels.corpus_scheme
    chosen, p_TK = labels.decode(result.ids), result.p_TK
    probabilities = top_labels = None
    if p_TK is not None and wanted.probabilities:
        probabilities = chosen_probabilities(labels, chosen, p_TK)
    certainty = result.certainty if wanted.certainty else None
    tagged = tagged_sentence(sentence, chosen, own, probabilities, certainty)
    if p_TK is not None and wanted.top_labels:
        top_labels = most_probable(labels, p_TK, wanted.top_labels)
        tagged = replace(tagged, top_labels=top_labels)
    if wanted.alternatives:
        tagged = replace(tagged, alternatives=_alternatives(sentence, result.paths, labels, scheme))
    if scheme is None:
        return tagged
    return replace(tagged, labels=tuple(labels.rewrite(chosen, scheme)))


def _alternatives(
    sentence: Sentence, paths: Sequence[LabelPath], labels: LabelSet, scheme: str | None
) -> tuple[Alternative, ...]:
    """Return distinct sequences of labels, best first.

    Without a CRF, sequences that break the network's scheme may be equal in that of the corpus:
    the most probable one of them is kept.
    """
    found: dict[tuple[str, ...], Alternative] = {}
    for path in paths:
        chosen = labels.decode(path.ids)
        if tuple(chosen) not in found:
            spans = tagged_sentence(sentence, chosen, labels.corpus_scheme).spans
            written = tuple(labels.rewrite(chosen, scheme))
            found[tuple(chosen)] = Alternative(written, spans, path.probability)
    return tuple(found.values())
