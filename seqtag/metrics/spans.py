"""Span precision, recall and F1, from label strings."""

from collections import Counter
from collections.abc import Sequence

import torch

from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.labels import ILLEGAL, SCHEMES, UNTYPED, spans
from seqtag.metrics.registry import register
from seqtag.metrics.score import Score, rates


@register("f1")
class SpanScore(Score):
    """Precision, recall and F1 of exact spans: for each type, and micro-averaged over all.

    A predicted span is right if the gold labels have one of the same type over the same tokens
    (the CoNLL-2000 shared task's measure). A token whose gold label is None counts nowhere: it
    is taken out of the sentence on both sides before spans are read off, so that its neighbours
    stand side by side and a span that goes on behind it is one span.

    Args:
        labels: every label that can occur, predicted or gold, also those that training never saw.
        scheme: that of both predicted and gold labels: iob1, bio or bioes.
        illegal: "repair" or "strict", how illegal labels are read: see `seqtag.labels.spans`.

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
        """Count the spans of a batch: one list of labels for each sentence, on either side.

        Raises:
            InputError: for a label that is none of the scheme.
            ValueError: for numbers of sentences or labels that differ, and unknown types.
        """
        right: Counter[str] = Counter()
        guessed: Counter[str] = Counter()
        wanted: Counter[str] = Counter()
        for guesses, answers in zip(predicted, gold, strict=True):
            found, true = self._spans(guesses, answers)
            guessed.update(span.type for span in found)
            wanted.update(span.type for span in true)
            right.update(span.type for span in set(true).intersection(found))
        strangers = (guessed.keys() | wanted.keys()) - set(self.types)
        if strangers:
            raise ValueError(f"span types {sorted(strangers)} are not among {self.types}")
        table = [[right[type_], guessed[type_], wanted[type_]] for type_ in self.types]
        self.counts += torch.tensor(table, dtype=torch.int64).reshape(-1, 3).to(self.counts.device)

    def compute(self) -> dict:
        """Return the scores as plain numbers.

        Keys: precision, recall, f1 (micro), per_label ({type: precision, recall, f1, support};
        support is the number of gold spans), scheme, and illegal: the policy for illegal labels.
        A quotient without a denominator is 0.0.
        """
        rows = self.counts.tolist()
        totals = [sum(column) for column in zip(*rows, strict=True)] or [0, 0, 0]
        per_label = {
            type_: {**rates(*row), "support": row[2]}
            for type_, row in zip(self.types, rows, strict=True)
        }
        names = {"scheme": self.scheme, "illegal": self.illegal}
        return {**rates(*totals), "per_label": per_label, **names}

    def _spans(self, guesses: Sequence[str], answers: Sequence[str | None]) -> tuple[list, list]:
        if len(guesses) != len(answers) or None in guesses:
            raise ValueError(
                f"{len(answers)} gold labels need as many predicted ones and none of them None: "
                f"got {guesses}"
            )
        if None in answers:
            kept = [position for position, label in enumerate(answers) if label is not None]
            guesses = [guesses[position] for position in kept]
            answers = [answers[position] for position in kept]
        found = spans(guesses, self.scheme, self.illegal)
        return found, spans(answers, self.scheme, self.illegal)
