"""What a tagger's predictions are counted by: tokens always, spans where the labels spell them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc
from torch import Tensor, nn

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.encode.counting import distinct_labels
from seqtag.data.encode.labelset import LabelSet
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.labels import NOT_SCORED, UNTYPED
from seqtag.metrics.spans import SpanScore
from seqtag.metrics.tokens import Slices, TokenScore


class TaggingScore(nn.Module):
    """Token and span scores of one split, summed over batches and processes.

    Args:
        labels: the tagger's labels.
        evaluated: every label of the evaluated split, those unseen in training among them.
        slices: for each factor of the corpus, how its values are sliced.
    """

    def __init__(
        self, labels: LabelSet, evaluated: Iterable[str], slices: Mapping[str, Slices]
    ) -> None:
        super().__init__()
        trained = labels.corpus_labels
        unseen = sorted(set(evaluated) - set(trained))
        self._ids = {label: number for number, label in enumerate((*trained, *unseen))}
        self._labels, self._factors = labels, tuple(slices)
        self.tokens = TokenScore(trained, unseen, slices)
        self.spans = None
        if labels.scheme != "plain":
            types = {label.partition("-")[2] or UNTYPED for label in self._ids if label != "O"}
            self.spans = SpanScore(sorted(types), labels.corpus_scheme)

    @classmethod
    def of_split(cls, corpus: Corpus, split: str, labels: LabelSet) -> TaggingScore:
        """Build the score of a corpus's split."""
        evaluated = distinct_labels(corpus.splits[split])
        slices = {}
        for factor in corpus.factors:
            values = pc.unique(corpus.splits[split].data.column(factor)).to_pylist()
            slices[factor] = Slices(tuple(sorted(values)) or (0,), exact=True)
        return cls(labels, evaluated, slices)

    def update(self, ids_BT: Tensor, words_BT: Tensor, columns: Mapping[str, Any]) -> None:
        """Count a batch: predicted label ids, word ids, and the sentences' columns as read."""
        gold: Sequence[Sequence[str | None]] = columns["labels"]
        if not gold:
            return
        predicted = [
            self._labels.decode(ids[: len(labels)])
            for ids, labels in zip(ids_BT.tolist(), gold, strict=True)
        ]
        unknown = [
            row[: len(labels)]
            for row, labels in zip((words_BT == Vocabulary.UNKNOWN).tolist(), gold, strict=True)
        ]
        factors = {name: columns[name] for name in self._factors}
        self.tokens.update(self._numbers(predicted), self._numbers(gold), unknown, factors)
        if self.spans is not None:
            self.spans.update(predicted, gold)

    def _numbers(self, sentences: Sequence[Sequence[str | None]]) -> list[list[int]]:
        ids = self._ids
        return [
            [NOT_SCORED if label is None else ids[label] for label in labels]
            for labels in sentences
        ]

    def compute(self) -> dict[str, Any]:
        """Return the figures: those of the tokens and, with spans, precision, recall and F1."""
        figures = self.tokens.compute()
        if self.spans is not None:
            figures |= self.spans.compute()
        return figures

    def reset(self) -> None:
        """Forget all counts."""
        self.tokens.reset()
        if self.spans is not None:
            self.spans.reset()
