"""Scores of a split: tokens, spans if the labels encode spans, and the main score."""

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
    """Scores of one split, accumulated over batches and processes.

    Args:
        labels: the tagger's labels.
        evaluated: every label of the evaluated split, including those unseen in training.
        slices: for each factor of the corpus, the slices of its values that are scored separately.
        metric: the registered metric whose main score chooses the model; by default F1 if the
            labels encode spans, else accuracy.
        num_trained: words with ids from this one on were not seen in training
            (`Vocabulary.num_trained`); None if there are none.

    Raises:
        InputError: for a metric that is not registered, or does not fit the labels.

    Example::

        score = TaggingScore.of_split(corpus, "dev", labels)
        score.update(ids_BT, words_BT, batch["columns"])
        score.compute()["accuracy"]
    """

    def __init__(
        self,
        labels: LabelSet,
        evaluated: Iterable[str],
        slices: Mapping[str, Slices],
        metric: str | None = None,
        num_trained: int | None = None,
    ) -> None:
        super().__init__()
        trained = labels.corpus_labels
        known = (*trained, *sorted(set(evaluated) - set(trained)))
        self._labels, self._factors = labels, tuple(slices)
        self._num_trained = num_trained
        self.tokens = TokenScore(known, labels.corpus_scheme, slices)
        spans = ["f1"] if labels.scheme != "plain" else []
        self._metric = metric or (spans or ["accuracy"])[0]
        names = [name for name in dict.fromkeys([*spans, self._metric]) if name != "accuracy"]
        self.others = nn.ModuleList(
            self._make_score(name, known, labels.corpus_scheme) for name in names
        )
        scores = dict(zip(names, self.others, strict=True))
        self._main = scores.get(self._metric, self.tokens).main

    def _make_score(self, name: str, labels: Sequence[str], scheme: str) -> Score:
        try:
            return SCORES[name].make(labels=labels, scheme=scheme)
        except InputError as error:
            raise InputError(f"metric={name}: {error}") from None

    @classmethod
    def of_split(
        cls,
        corpus: Corpus,
        split: str,
        labels: LabelSet,
        metric: str | None = None,
        num_trained: int | None = None,
    ) -> TaggingScore:
        """Create the scores of one split of a corpus."""
        evaluated = distinct_labels(corpus.splits[split])
        slices = {}
        for factor in corpus.factors:
            values = pc.unique(corpus.splits[split].data.column(factor)).to_pylist()
            slices[factor] = Slices(tuple(sorted(values)) or (0,), exact=True)
        return cls(labels, evaluated, slices, metric, num_trained)

    def update(self, ids_BT: Tensor, words_BT: Tensor, columns: Mapping[str, Any]) -> None:
        """Add a batch.

        Args:
            ids_BT: predicted label ids (batch, time).
            words_BT: word ids (batch, time).
            columns: the columns of the sentences as read from the corpus, with "labels" and one
                for each factor.
        """
        gold: Sequence[Sequence[str | None]] = columns["labels"]
        if not gold:
            return
        predicted = [
            self._labels.decode(ids[: len(labels)])
            for ids, labels in zip(ids_BT.tolist(), gold, strict=True)
        ]
        unknown_BT = words_BT == Vocabulary.UNKNOWN
        if self._num_trained is not None:
            unknown_BT |= words_BT >= self._num_trained
        unknown = [
            row[: len(labels)] for row, labels in zip(unknown_BT.tolist(), gold, strict=True)
        ]
        factors = {name: columns[name] for name in self._factors}
        self.tokens.update(predicted, gold, unknown, factors)
        for score in self.others:
            score.update(predicted, gold)

    def compute(self) -> dict[str, Any]:
        """Return the scores by name; "metric" holds the name of the main score.

        Raises:
            InputError: if a metric does not return its main score.
        """
        scores = self.tokens.compute()
        for score in self.others:
            scores |= score.compute()
        if self._main not in scores:
            raise InputError(
                f"metric={self._metric}: its scores lack its main score {self._main!r}; they are "
                f"{listed(scores)}"
            )
        return {**scores, "metric": self._main}

    def reset(self) -> None:
        """Reset all counts."""
        for score in (self.tokens, *self.others):
            score.reset()
