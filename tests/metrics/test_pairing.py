"""Pairs of gold and predicted spans: examples, and counts that hold for all sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.labels import Span, spans
from seqtag.metrics.pairing import KINDS, pair_spans

LABELS = ["O", "B-A", "I-A", "B-B", "I-B"]


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([("A", 0, 2)], [("A", 0, 2)], ["right"]),
        ([("A", 0, 2)], [("B", 0, 2)], ["type"]),
        ([("A", 0, 2)], [("A", 1, 3)], ["boundary"]),
        ([("A", 0, 2)], [("B", 1, 3)], ["type and boundary"]),
        ([("A", 0, 2)], [("A", 2, 3)], ["missed", "spurious"]),
        # The span over the same words is the partner, though another one has the same type.
        ([("A", 0, 1), ("B", 1, 3)], [("A", 1, 3)], ["missed", "type"]),
        # The same type goes before a longer overlap.
        ([("A", 0, 5)], [("B", 0, 3), ("A", 3, 4)], ["spurious", "boundary"]),
        ([("A", 0, 4)], [("A", 0, 1), ("A", 1, 4)], ["spurious", "boundary"]),
    ],
)
def test_kinds(gold, predicted, kinds):
    pairs = pair_spans([Span(*span) for span in gold], [Span(*span) for span in predicted])
    assert sorted(pair.kind for pair in pairs) == sorted(kinds)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), max_size=12))
def test_each_span_is_in_one_pair(rows):
    gold, predicted = (spans([row[side] for row in rows], "bio") for side in (0, 1))
    pairs = pair_spans(gold, predicted)
    assert [p.gold for p in pairs if p.gold] == gold
    assert sorted(p.predicted for p in pairs if p.predicted) == sorted(predicted)
    right = [p.gold for p in pairs if p.kind == "right"]
    assert set(right) == set(gold) & set(predicted)
    assert {p.kind for p in pairs} <= {"right", *KINDS}
    for pair in pairs:
        if pair.gold and pair.predicted:
            assert pair.gold.start < pair.predicted.end
            assert pair.predicted.start < pair.gold.end
