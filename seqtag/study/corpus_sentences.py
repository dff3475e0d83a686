"""Sentences of a labelled corpus for an inspection: the property is the label of each token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from seqtag.columns import MAIN
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.labels import convert
from seqtag.probes.base import Probe, ProbeItem
from seqtag.study.sentences import Part, Sentences

# The least number of sentences to fit to, and to score.
LEAST = 20
_SPLIT = "held out"


class CorpusLabels(Probe):
    """The labels of a corpus in place of those of a probe; generates nothing.

    Args:
        name: the name in messages.
        labels: the labels.
    """

    unit = "tokens before the target"

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = name
        self.labels = labels

    def generate(self, n: int, split: str, factors: Mapping[str, int], seed: int) -> NoReturn:
        """Raise an error: a corpus generates no sentences."""
        raise NotImplementedError

    def oracle(self, tokens: Sequence[str]) -> NoReturn:
        """Raise an error: nothing but the corpus has the labels."""
        raise NotImplementedError


def corpus_sentences(
    name: str,
    rows: Sequence[tuple[Sequence[str], Sequence[str | None]]],
    labels: LabelSet,
    sentences: int,
    seed: int,
) -> Sentences:
    """Return random sentences of a corpus, some to fit to, and as many others to score.

    A reading is a token with a label; its distance is the number of tokens before it.

    Args:
        name: the corpus, for messages.
        rows: tokens and labels of each sentence, in the scheme of the corpus of the label set.
        labels: the label set of the taggers.
        sentences: the number of sentences of each kind, at most half of those with labels.
        seed: random seed of the choice.

    Raises:
        InputError: if there are too few sentences with labels.
    """
    labelled = [row for row in rows if any(label is not None for label in row[1])]
    if len(labelled) < 2 * LEAST:
        raise InputError(
            f"{name}: {len(labelled)} sentences with labels; an inspection needs {2 * LEAST} or "
            "more, half of them to fit linear probes to"
        )
    count = min(sentences, len(labelled) // 2)
    chosen = np.random.default_rng(seed).permutation(len(labelled))[: 2 * count]
    items = [_item(*labelled[number], labels) for number in chosen]
    probe = CorpusLabels(name, labels.labels)
    return Sentences(probe, items[:count], [Part(_SPLIT, MAIN, items[count:])])


def _item(tokens: Sequence[str], values: Sequence[str | None], labels: LabelSet) -> ProbeItem:
    """Return a sentence whose targets are its tokens with labels."""
    own = convert(values, labels.corpus_scheme, labels.scheme)
    targets = tuple(place for place, label in enumerate(own) if label is not None)
    return ProbeItem(tuple(tokens), tuple(own), targets, {}, ())
