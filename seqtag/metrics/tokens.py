"""Token accuracy: overall, on unknown words, for each label, and sliced by factors.

Shapes: B sentences, T tokens of the longest one, N scored tokens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import torch

from seqtag.labels import NOT_SCORED
from seqtag.metrics.counts import CountMetric, rates, ratio

Rows = torch.Tensor | Sequence[Sequence[int]]


@dataclass(frozen=True)
class Slices:
    """How the values of an integer factor are put into slices, known beforehand.

    Slice i takes the values from ``starts[i]`` up to, not including, ``starts[i + 1]``, the last
    one all from its start on; with `exact`, a slice takes the one value that it is named after.
    What falls into no slice (below the first start; no value of the list) has one of its own.

    Attributes:
        starts: rising, at least one.
    """

    starts: tuple[int, ...]
    exact: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", tuple(self.starts))
        if not self.starts or list(self.starts) != sorted(set(self.starts)):
            raise ValueError(
                f"the starts of slices must rise, and there must be one: {self.starts}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slices: "5", "1-4", "30+"; the one for all the rest comes last."""
        if self.exact:
            return (*map(str, self.starts), "other")
        ends = [start - 1 for start in self.starts[1:]]
        closed = [
            str(start) if start == end else f"{start}-{end}"
            for start, end in zip(self.starts, ends, strict=False)
        ]
        return (*closed, f"{self.starts[-1]}+", f"<{self.starts[0]}")

    def index(self, value: int) -> int:
        """Return the number of the slice that `value` falls into, an index into `names`."""
        slot = bisect_right(self.starts, value) - 1
        in_none = slot < 0 or (self.exact and self.starts[slot] != value)
        return len(self.starts) if in_none else slot


class TokenScore(CountMetric):
    """Accuracy over tokens, with precision, recall and F1 for each label.

    Args:
        labels: the trained labels; a label's id is its position.
        unseen: labels of the evaluated corpus that training did not have. Their ids follow on
            those of `labels`. They cannot be predicted, so such a token is always an error.
        factors: how each factor that `update` will be handed is sliced.

    Example:
        >>> score = TokenScore(["A", "B"], factors={"distance": Slices((1, 5))})
        >>> score.update([[0, 1], [1]], [[0, 0], [1]], factors={"distance": [3, 9]})
        >>> score.compute()["factors"]["distance"]
        {'1-4': {'n': 2, 'accuracy': 0.5}, '5+': {'n': 1, 'accuracy': 1.0}}
    """

    counts: torch.Tensor  # (labels, 3): right, predicted, gold
    unknown: torch.Tensor  # (1, 2): right, all

    def __init__(
        self,
        labels: Sequence[str],
        unseen: Sequence[str] = (),
        factors: Mapping[str, Slices] | None = None,
    ) -> None:
        super().__init__()
        self.labels = (*labels, *unseen)
        if len(set(self.labels)) < len(self.labels):
            raise ValueError(f"labels and unseen hold one twice: {self.labels}")
        self.num_trained = len(labels)
        self.slices = dict(factors or {})
        self._add_counts("counts", len(self.labels), 3)
        self._add_counts("unknown", 1, 2)
        for number, slices in enumerate(self.slices.values()):
            self._add_counts(f"factor_{number}", len(slices.names), 2)

    def update(
        self,
        predicted: Rows,
        gold: Rows,
        unknown: torch.Tensor | Sequence[Sequence[bool]] | None = None,
        factors: Mapping[str, torch.Tensor | Sequence[int]] | None = None,
    ) -> None:
        """Count a batch: tensors of shape (B, T), or B lists of their sentences' lengths.

        Args:
            predicted: label ids. Where gold is -100 anything may stand.
            gold: label ids, those of unseen labels among them; -100 is not scored.
            unknown: true where the word is unknown to the tagger.
            factors: for each factor, one whole number a sentence; all its tokens count with it.

        Raises:
            ValueError: for shapes that do not fit, ids without a label, and factors other than
                those named at construction.
        """
        gold_N, lengths_B = _flat(gold)
        scored_N = gold_N != NOT_SCORED
        gold_N = gold_N[scored_N]
        predicted_N = _matching(predicted, lengths_B, "predicted").to(scored_N.device)[scored_N]
        self._check_ids(predicted_N, self.num_trained, "predicted")
        self._check_ids(gold_N, len(self.labels), "gold")
        right_N = predicted_N == gold_N
        counted = (gold_N[right_N], predicted_N, gold_N)
        self.counts += _columns(counted, len(self.labels)).to(self.counts.device)
        if unknown is not None:
            unknown_N = _matching(unknown, lengths_B, "unknown").to(scored_N.device)[scored_N]
            right_unknown_N = right_N[unknown_N.bool()]
            counted = _by_slot(
                right_unknown_N, torch.zeros_like(right_unknown_N, dtype=torch.int64), 1
            )
            self.unknown += counted.to(self.unknown.device)
        self._update_factors(factors or {}, lengths_B, scored_N, right_N)

    def compute(self) -> dict:
        """Return the scores as plain numbers.

        Keys: tokens (scored ones), accuracy, unknown_tokens, unknown_accuracy, per_label
        ({label: precision, recall, f1, support}; support is the number of gold tokens), and
        factors ({factor: {slice: n, accuracy}}, every slice, but that of the rest only if
        anything fell into it). A quotient without a denominator is 0.0.
        """
        rows = self.counts.tolist()
        right, tokens = sum(row[0] for row in rows), sum(row[2] for row in rows)
        ((unknown_right, unknown_tokens),) = self.unknown.tolist()
        return {
            "tokens": tokens,
            "accuracy": ratio(right, tokens),
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

    def _check_ids(self, ids_N: torch.Tensor, count: int, side: str) -> None:
        if not ids_N.numel():
            return
        low, high = int(ids_N.min()), int(ids_N.max())
        if low < 0 or high >= count:
            raise ValueError(f"{side} ids run from {low} to {high}: want 0 to {count - 1}")

    def _update_factors(
        self,
        factors: Mapping[str, torch.Tensor | Sequence[int]],
        lengths_B: torch.Tensor,
        scored_N: torch.Tensor,
        right_N: torch.Tensor,
    ) -> None:
        if factors.keys() != self.slices.keys():
            raise ValueError(f"got factors {sorted(factors)}: want {sorted(self.slices)}")
        for number, (name, slices) in enumerate(self.slices.items()):
            values = factors[name]
            values = values.tolist() if isinstance(values, torch.Tensor) else values
            if len(values) != len(lengths_B):
                raise ValueError(f"{len(values)} values of {name} for {len(lengths_B)} sentences")
            slots_B = torch.tensor([slices.index(value) for value in values], dtype=torch.int64)
            slots_N = slots_B.repeat_interleave(lengths_B).to(scored_N.device)[scored_N]
            state = getattr(self, f"factor_{number}")
            state += _by_slot(right_N, slots_N, len(slices.names)).to(state.device)


def _flat(rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the values of all sentences in one row, and each sentence's length (on the CPU)."""
    if isinstance(rows, torch.Tensor):
        sentences, width = rows.shape
        return rows.reshape(-1), torch.full((sentences,), width)
    lengths = [len(row) for row in rows]
    values = list(chain.from_iterable(rows))
    return torch.tensor(values, dtype=torch.int64), torch.tensor(lengths, dtype=torch.int64)


def _matching(rows: Rows, lengths_B: torch.Tensor, side: str) -> torch.Tensor:
    flat, own_lengths_B = _flat(rows)
    if not torch.equal(own_lengths_B, lengths_B):
        raise ValueError(f"{side} and gold have different shapes")
    return flat


def _columns(counted: Sequence[torch.Tensor], slots: int) -> torch.Tensor:
    """Return how often each slot number occurs: one column (slots,) for each tensor."""
    return torch.stack([torch.bincount(numbers, minlength=slots) for numbers in counted], dim=1)


def _by_slot(right_N: torch.Tensor, slots_N: torch.Tensor, slots: int) -> torch.Tensor:
    """Return (slots, 2): the right tokens of each slot, and all of them."""
    return _columns((slots_N[right_N], slots_N), slots)


def _slice_report(slices: Slices, rows: Sequence[Sequence[int]]) -> dict[str, dict]:
    report = {
        name: {"n": count, "accuracy": ratio(right, count)}
        for name, (right, count) in zip(slices.names, rows, strict=True)
    }
    rest = slices.names[-1]
    if not report[rest]["n"]:
        del report[rest]
    return report
