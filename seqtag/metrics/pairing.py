"""Compare gold and predicted spans of a sentence: which belong together, and kinds of error."""

from collections.abc import Sequence
from typing import NamedTuple

from seqtag.labels import Span

RIGHT = "right"
# Kinds of error, in the order in which they are shown.
KINDS = ("missed", "spurious", "type", "boundary", "type and boundary")


class SpanPair(NamedTuple):
    """A gold span and the predicted span that belongs to it; one of them may be missing.

    Attributes:
        kind: "right", or one of `KINDS`.
        gold: the gold span; None if the predicted one is spurious.
        predicted: the predicted span; None if the gold one is missed.
    """

    kind: str
    gold: Span | None
    predicted: Span | None


def pair_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> list[SpanPair]:
    """Return each gold and each predicted span of a sentence in exactly one pair, in order.

    Spans over the same tokens belong together. Of the others, those that overlap do: first spans
    of the same type, then those with more tokens in common, then the earlier ones.

    Args:
        gold: the gold spans, which do not overlap each other.
        predicted: the predicted spans, which do not overlap each other.
    """
    candidates = []
    for g, own in enumerate(gold):
        for p, other in enumerate(predicted):
            common = min(own.end, other.end) - max(own.start, other.start)
            if common > 0:
                same_tokens = own[1:] == other[1:]
                candidates.append((not same_tokens, own.type != other.type, -common, g, p))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for *_, g, p in sorted(candidates):
        if g not in partner and p not in taken:
            partner[g] = p
            taken.add(p)
    pairs = []
    for g, own in enumerate(gold):
        other = predicted[partner[g]] if g in partner else None
        pairs.append(SpanPair(_kind(own, other), own, other))
    pairs += [SpanPair("spurious", None, s) for p, s in enumerate(predicted) if p not in taken]
    return sorted(pairs, key=lambda pair: (pair.gold or pair.predicted or Span("", 0, 0)).start)


def _kind(gold: Span, predicted: Span | None) -> str:
    if predicted is None:
        return "missed"
    if gold == predicted:
        return RIGHT
    if gold[1:] == predicted[1:]:
        return "type"
    return "boundary" if gold.type == predicted.type else "type and boundary"
