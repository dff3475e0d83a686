"""The figures of a split: tokens always, spans where the labels spell them, and the main score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc
from torch import Tensor, nn

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.encode.counting import distinct_labels
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError, listed
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.metrics.registry import SCORES
from seqtag.metrics.score import Score
from seqtag.metrics.tokens import Slices, TokenScore


class TaggingScore(nn.Module):
    """The scores of one split, summed over batches and processes.

    Args:
        labels: the tagger's labels.
        evaluated: every label of the evaluated split, those unseen in training among them.
        slices: for each factor of the corpus, how its values are sliced.
        metric: the registered metric that models are chosen by; by default F1 where the labels
            spell spans, else accuracy.

    Raises:
        InputError: for a metric that is not registered, or does not fit the labels.
    """

    def __init__(
        self,
        labels: LabelSet,
        evaluated: Iterable[str],
        slices: Mapping[str, Slices],
        metric: str | None = None,
    ) -> None:
        super().__init__()
        trained = labels.corpus_labels
        known = (*trained, *sorted(set(evaluated) - set(trained)))
        self._labels, self._factors = labels, tuple(slices)
        self.tokens = TokenScore(known, labels.corpus_scheme, slices)
        spans = ["f1"] if labels.scheme != "plain" else []
        self._metric = metric or (spans or ["accuracy"])[0]
        names = [name for name in dict.fromkeys([*spans, self._metric]) if name != "accuracy"]
        self.others = nn.ModuleList(self._made(name, known, labels.corpus_scheme) for name in names)
        scores = dict(zip(names, self.others, strict=True))
        self._main = scores.get(self._metric, self.tokens).main

    def _made(self, name: str, labels: Sequence[str], scheme: str) -> Score:
        try:
            return SCORES[name].make(labels=labels, scheme=scheme)
        except InputError as error:
            raise InputError(f"metric={name}: {error}") from None

    @classmethod
    def of_split(
        cls, corpus: Corpus, split: str, labels: LabelSet, metric: str | None = None
    ) -> TaggingScore:
        """Build the score of a corpus's split."""
        evaluated = distinct_labels(corpus.splits[split])
        slices = {}
        for factor in corpus.factors:
            values = pc.unique(corpus.splits[split].data.column(factor)).to_pylist()
            slices[factor] = Slices(tuple(sorted(values)) or (0,), exact=True)
        return cls(labels, evaluated, slices, metric)

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
        self.tokens.update(predicted, gold, unknown, factors)
        for score in self.others:
            score.update(predicted, gold)

    def compute(self) -> dict[str, Any]:
        """Return the figures; "metric" is the name of the main one among them.

        Raises:
            InputError: if a metric does not return the figure that it calls its main one.
        """
        figures = self.tokens.compute()
        for score in self.others:
            figures |= score.compute()
        if self._main not in figures:
            raise InputError(
                f"metric={self._metric}: its figures have no {self._main!r}, which it calls its "
                f"main one; they are {listed(figures)}"
            )
        return {**figures, "metric": self._main}

    def reset(self) -> None:
        """Forget all counts."""
        for score in (self.tokens, *self.others):
            score.reset()
