"""Token accuracy: overall, on unknown words, for each label, and by factors.

Shapes: B sentences, N scored tokens.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from seqtag.metrics.rates import macro_f1, rates, ratio
from seqtag.metrics.registry import register
from seqtag.metrics.score import Score

Rows = torch.Tensor | Sequence[Sequence[int]]


@dataclass(frozen=True)
class Slices:
    """A fixed division of the values of an integer factor into slices.

    Slice i has the values from ``starts[i]`` up to, not including, ``starts[i + 1]``; the last one
    has no upper end. With `exact`, a slice has only the value ``starts[i]``. All other values
    (below the first start; with `exact`, those not listed) are in one additional slice.

    Attributes:
        starts: at least one value, in ascending order.
        exact: whether a slice has a single value.
    """

    starts: tuple[int, ...]
    exact: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", tuple(self.starts))
        if not self.starts or list(self.starts) != sorted(set(self.starts)):
            raise ValueError(f"slices need at least one start, and ascending starts: {self.starts}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slices: "5", "1-4", "30+"; the one for all other values is last."""
        if self.exact:
            return (*map(str, self.starts), "other")
        ends = [start - 1 for start in self.starts[1:]]
        closed = [
            str(start) if start == end else f"{start}-{end}"
            for start, end in zip(self.starts, ends, strict=False)
        ]
        return (*closed, f"{self.starts[-1]}+", f"<{self.starts[0]}")

    def index(self, value: int) -> int:
        """Return the index into `names` of the slice that has `value`."""
        slot = bisect_right(self.starts, value) - 1
        is_other = slot < 0 or (self.exact and self.starts[slot] != value)
        return len(self.starts) if is_other else slot


@register("accuracy")
class TokenScore(Score):
    """Accuracy over tokens, with precision, recall and F1 for each label.

    Args:
        labels: every label that can occur, predicted or gold, also those that training never saw.
        scheme: the scheme of predicted and gold labels; without effect here.
        factors: for each factor that is passed to `update`, how it is sliced.

    Example:
        >>> score = TokenScore(["A", "B"], factors={"distance": Slices((1, 5))})
        >>> score.update([["A", "B"], ["B"]], [["A", "A"], ["B"]], factors={"distance": [3, 9]})
        >>> score.compute()["factors"]["distance"]
        {'1-4': {'n': 2, 'accuracy': 0.5}, '5+': {'n': 1, 'accuracy': 1.0}}
    """

    main = "accuracy"
    counts: torch.Tensor  # (labels, 3): right, predicted, gold
    unknown: torch.Tensor  # (1, 2): right, all

    def __init__(
        self,
        labels: Sequence[str],
        scheme: str = "plain",
        factors: Mapping[str, Slices] | None = None,
    ) -> None:
        super().__init__(labels, scheme)
        self._ids = {label: number for number, label in enumerate(self.labels)}
        if len(self._ids) < len(self.labels):
            raise ValueError(f"a label is given twice: {self.labels}")
        self.slices = dict(factors or {})
        self._add_counts("counts", len(self.labels), 3)
        self._add_counts("unknown", 1, 2)
        for number, slices in enumerate(self.slices.values()):
            self._add_counts(f"factor_{number}", len(slices.names), 2)

    def update(
        self,
        predicted: Sequence[Sequence[str]],
        gold: Sequence[Sequence[str | None]],
        unknown: Sequence[Sequence[bool]] | None = None,
        factors: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Count a batch.

        Args:
            predicted: the labels of each sentence; ignored where the gold label is None.
            gold: the labels of each sentence; None is not scored.
            unknown: for each word, whether it is unknown to the tagger.
            factors: for each factor, one whole number per sentence, which applies to its tokens.

        Raises:
            ValueError: for lists of different lengths, and for labels and factors that were not
                passed to the constructor.
        """
        rows = [
            (sentence, guess, answer)
            for sentence, (guesses, answers) in enumerate(zip(predicted, gold, strict=True))
            for guess, answer in zip(guesses, answers, strict=True)
            if answer is not None
        ]
        predicted_N = self._label_ids([guess for _, guess, _ in rows])
        gold_N = self._label_ids([answer for *_, answer in rows])
        right_N = predicted_N == gold_N
        counted = (gold_N[right_N], predicted_N, gold_N)
        self.counts += _columns(counted, len(self.labels)).to(self.counts.device)
        if unknown is not None:
            new_N = torch.tensor(
                [
                    new
                    for news, answers in zip(unknown, gold, strict=True)
                    for new, answer in zip(news, answers, strict=True)
                    if answer is not None
                ],
                dtype=torch.bool,
            )
            right_new_N = right_N[new_N]
            slots_N = torch.zeros_like(right_new_N, dtype=torch.int64)
            self.unknown += _by_slot(right_new_N, slots_N, 1).to(self.unknown.device)
        sentences_N = torch.tensor([sentence for sentence, *_ in rows], dtype=torch.int64)
        self._update_factors(factors or {}, len(gold), sentences_N, right_N)

    def compute(self) -> dict:
        """Return the scores as plain numbers.

        Keys: tokens (scored ones), accuracy, macro_f1 (mean F1 of the labels that occur),
        unknown_tokens, unknown_accuracy, per_label ({label: precision, recall, f1, support};
        support is the number of gold tokens), and factors ({factor: {slice: n, accuracy}}; the
        slice of other values is left out if it is empty). A ratio with a denominator of 0 is 0.0.
        """
        rows = self.counts.tolist()
        right, tokens = sum(row[0] for row in rows), sum(row[2] for row in rows)
        ((unknown_right, unknown_tokens),) = self.unknown.tolist()
        return {
            "tokens": tokens,
            "accuracy": ratio(right, tokens),
            "macro_f1": macro_f1(rows),
            "unknown_tokens": unknown_tokens,
            "unknown_accuracy": ratio(unknown_right, unknown_tokens),
            "per_label": {
                label: {**rates(*row), "support": row[2]}
                for label, row in zip(self.labels, rows, strict=True)
            },
            "factors": {
                name: _slice_report(slices, getattr(self, f"factor_{number}").tolist())
                for number, (name, slices) in enumerate(self.slices.items())
            },
        }

    def _add_counts(self, name: str, rows: int, columns: int) -> None:
        empty = torch.zeros(rows, columns, dtype=torch.int64)
        self.add_state(name, empty, dist_reduce_fx="sum")

    def _label_ids(self, labels: Sequence[str]) -> torch.Tensor:
        unknown_labels = set(labels) - self._ids.keys()
        if unknown_labels:
            raise ValueError(f"labels {sorted(unknown_labels)} are not among {self.labels}")
        return torch.tensor([self._ids[label] for label in labels], dtype=torch.int64)

    def _update_factors(
        self,
        factors: Mapping[str, Sequence[int]],
        sentences: int,
        sentences_N: torch.Tensor,
        right_N: torch.Tensor,
    ) -> None:
        if factors.keys() != self.slices.keys():
            raise ValueError(f"got factors {sorted(factors)}; expected {sorted(self.slices)}")
        for number, (name, slices) in enumerate(self.slices.items()):
            values = factors[name]
            if len(values) != sentences:
                raise ValueError(f"{len(values)} values of {name} for {sentences} sentences")
            slots_B = torch.tensor([slices.index(value) for value in values], dtype=torch.int64)
            state = getattr(self, f"factor_{number}")
            state += _by_slot(right_N, slots_B[sentences_N], len(slices.names)).to(state.device)


def _columns(counted: Sequence[torch.Tensor], slots: int) -> torch.Tensor:
    """Return how often each slot number occurs, (slots, tensors)."""
    return torch.stack([torch.bincount(numbers, minlength=slots) for numbers in counted], dim=1)


def _by_slot(right_N: torch.Tensor, slots_N: torch.Tensor, slots: int) -> torch.Tensor:
    """Return the numbers of right tokens and of all tokens in each slot, (slots, 2)."""
    return _columns((slots_N[right_N], slots_N), slots)


def _slice_report(slices: Slices, rows: Sequence[Sequence[int]]) -> dict[str, dict]:
    report = {
        name: {"n": count, "accuracy": ratio(right, count)}
        for name, (right, count) in zip(slices.names, rows, strict=True)
    }
    other = slices.names[-1]
    if not report[other]["n"]:
        del report[other]
    return report
