"""Span precision, recall and F1, from label strings."""

from collections import Counter
from collections.abc import Sequence

import torch

from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.labels import ILLEGAL, SCHEMES, UNTYPED, spans
from seqtag.metrics.rates import macro_f1, rates
from seqtag.metrics.registry import register
from seqtag.metrics.score import Score


@register("f1")
class SpanScore(Score):
    """Precision, recall and F1 of exact spans: for each type, and micro-averaged over all.

    A predicted span is right if the gold labels have one of the same type over the same tokens
    (the measure of the CoNLL-2000 shared task). A token whose gold label is None is ignored: it is
    removed from predicted and gold labels before spans are read, so that its neighbours are
    adjacent and a span that continues after it is one span.

    Args:
        labels: every label that can occur, predicted or gold, also those that training never saw.
        scheme: the scheme of predicted and gold labels: iob1, bio or bioes.
        illegal: how illegal labels are read, "repair" or "strict": see `seqtag.labels.spans`.

    Example:
        >>> score = SpanScore(["O", "B-PER", "I-PER", "B-LOC"], "bio")
        >>> score.update([["B-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "B-LOC"]])
        >>> score.compute()["f1"]
        0.5
    """

    main = "f1"
    counts: torch.Tensor  # (types, 3): right, predicted, gold

    def __init__(self, labels: Sequence[str], scheme: str, illegal: str = "repair") -> None:
        super().__init__(labels, scheme)
        if scheme not in SCHEMES or scheme == "plain":
            raise InputError(f"no spans under scheme {scheme!r}{did_you_mean(scheme, SCHEMES[1:])}")
        if illegal not in ILLEGAL:
            raise unknown("policy for illegal labels", illegal, ILLEGAL)
        types = {label.partition("-")[2] or UNTYPED for label in labels if label != "O"}
        self.types = tuple(sorted(types))
        self.illegal = illegal
        empty = torch.zeros(len(self.types), 3, dtype=torch.int64)
        self.add_state("counts", empty, dist_reduce_fx="sum")

    def update(
        self, predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]
    ) -> None:
        """Count the spans of a batch.

        Args:
            predicted: the labels of each sentence.
            gold: the labels of each sentence; None is not scored.

        Raises:
            InputError: for a label that does not belong to the scheme.
            ValueError: for different numbers of sentences or labels, and unknown types.
        """
        right: Counter[str] = Counter()
        in_predicted: Counter[str] = Counter()
        in_gold: Counter[str] = Counter()
        for guesses, answers in zip(predicted, gold, strict=True):
            predicted_spans, gold_spans = self._spans(guesses, answers)
            in_predicted.update(span.type for span in predicted_spans)
            in_gold.update(span.type for span in gold_spans)
            right.update(span.type for span in set(gold_spans).intersection(predicted_spans))
        unknown_types = (in_predicted.keys() | in_gold.keys()) - set(self.types)
        if unknown_types:
            raise ValueError(f"span types {sorted(unknown_types)} are not among {self.types}")
        table = [[right[type_], in_predicted[type_], in_gold[type_]] for type_ in self.types]
        self.counts += torch.tensor(table, dtype=torch.int64).reshape(-1, 3).to(self.counts.device)

    def compute(self) -> dict:
        """Return the scores as plain numbers.

        Keys: precision, recall, f1 (micro), macro_f1 (mean F1 of the types that occur), per_label
        ({type: precision, recall, f1, support}; support is the number of gold spans), scheme, and
        illegal: the policy for illegal labels. A ratio with a denominator of 0 is 0.0.
        """
        rows = self.counts.tolist()
        totals = [sum(column) for column in zip(*rows, strict=True)] or [0, 0, 0]
        per_label = {
            type_: {**rates(*row), "support": row[2]}
            for type_, row in zip(self.types, rows, strict=True)
        }
        names = {"scheme": self.scheme, "illegal": self.illegal}
        micro = {**rates(*totals), "macro_f1": macro_f1(rows)}
        return {**micro, "per_label": per_label, **names}

    def _spans(self, guesses: Sequence[str], answers: Sequence[str | None]) -> tuple[list, list]:
        if len(guesses) != len(answers) or None in guesses:
            raise ValueError(
                f"expected one predicted label, not None, for each of {len(answers)} gold labels; "
                f"got {guesses}"
            )
        if None in answers:
            scored = [position for position, label in enumerate(answers) if label is not None]
            guesses = [guesses[position] for position in scored]
            answers = [answers[position] for position in scored]
        predicted_spans = spans(guesses, self.scheme, self.illegal)
        return predicted_spans, spans(answers, self.scheme, self.illegal)
