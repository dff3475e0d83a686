"""Scores of a split: tokens, spans if the labels encode spans, and the main score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc
from torch import Tensor, nn

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.encode.counting import distinct_labels
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError, listed, unknown
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.metrics.choice import LOSS, MACRO_F1, Choice, is_higher_better, parse_metric
from seqtag.metrics.loss import MeanLoss
from seqtag.metrics.registry import SCORES
from seqtag.metrics.score import Score
from seqtag.metrics.tokens import Slices, TokenScore


class TaggingScore(nn.Module):
    """Scores of one split, accumulated over batches and processes.

    Args:
        labels: the tagger's labels.
        evaluated: every label of the evaluated split, including those unseen in training.
        slices: for each factor of the corpus, the slices of its values that are scored separately.
        metric: the metric whose main score chooses the model (see `metrics.choice`); by default
            F1 if the labels encode spans, else accuracy.
        num_trained: words with ids from this one on were not seen in training
            (`Vocabulary.num_trained`); None if there are none.

    Attributes:
        higher_is_better: whether a higher main score is better.
        loss: the mean loss, if it is the main score; else None.

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
        self._choice = parse_metric(self._metric)
        self.higher_is_better = is_higher_better(metric)
        self.loss = MeanLoss() if self._choice.name == LOSS else None
        # Figures of the scores that are computed anyway need no score of their own.
        computed = self._choice.name in ("accuracy", LOSS, MACRO_F1) or self._choice.label
        names = list(dict.fromkeys([*spans, *([] if computed else [self._metric])]))
        self.others = nn.ModuleList(
            self._make_score(name, known, labels.corpus_scheme) for name in names
        )
        scores = dict(zip(names, self.others, strict=True))
        own = scores.get(self._choice.name) if self._choice.label is None else None
        self._main = own.main if own is not None else str(self._choice)
        self._require_label(self._choice, [*scores.values(), self.tokens][0])

    def _require_label(self, choice: Choice, score: Any) -> None:
        """Raise an error if the chosen label or type is not one of the scored ones."""
        known = getattr(score, "types", score.labels)
        if choice.label is not None and choice.label not in known:
            kind = "type" if hasattr(score, "types") else "label"
            raise InputError(f"metric={choice}: {unknown(kind, choice.label, known)}")

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
        unknown_BT = self.unknown_words(words_BT).tolist()
        unknown = [row[: len(labels)] for row, labels in zip(unknown_BT, gold, strict=True)]
        factors = {name: columns[name] for name in self._factors}
        self.tokens.update(predicted, gold, unknown, factors)
        for score in self.others:
            score.update(predicted, gold)

    def unknown_words(self, words_BT: Tensor) -> Tensor:
        """Return whether each word id stands for a word that training has not seen."""
        unknown_BT = words_BT == Vocabulary.UNKNOWN
        if self._num_trained is not None:
            unknown_BT |= words_BT >= self._num_trained
        return unknown_BT

    def add_loss(self, loss: Tensor, sentences: int) -> None:
        """Add the mean loss of a batch; required if the main score is the loss."""
        if self.loss is not None:
            self.loss.update(loss, sentences)

    def compute(self) -> dict[str, Any]:
        """Return the scores by name; "metric" holds the name of the main score.

        Raises:
            InputError: if a metric does not return its main score.
        """
        scores = self.tokens.compute()
        for score in self.others:
            scores |= score.compute()
        if self.loss is not None:
            scores[LOSS] = float(self.loss.compute())
        if self._choice.label is not None:
            scores[self._main] = scores["per_label"][self._choice.label][self._choice.name]
        if self._main not in scores:
            raise InputError(
                f"metric={self._metric}: its scores lack its main score {self._main!r}; they are "
                f"{listed(scores)}"
            )
        return {**scores, "metric": self._main, "higher_is_better": self.higher_is_better}

    def reset(self) -> None:
        """Reset all counts."""
        for score in (self.tokens, *self.others, *([] if self.loss is None else [self.loss])):
            score.reset()
