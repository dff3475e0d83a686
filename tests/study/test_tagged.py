"""Counts of spans and labels by length, against the scores of an evaluation."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.metrics.analysis import Analysis
from seqtag.metrics.examples import Sentence
from seqtag.metrics.spans import SpanScore
from seqtag.study.tagged import Tagged, count_slices, read_tagged
from seqtag.training.findings import as_columns

LABELS = ("O", "B-X", "I-X", "B-Y", "I-Y")


@st.composite
def tagged(draw, labels=LABELS):
    pairs = st.tuples(st.none() | st.sampled_from(labels), st.sampled_from(labels))
    some = draw(st.lists(pairs, min_size=1, max_size=8))
    # Repeated, so that long sentences are drawn fast.
    gold, predicted = zip(*(some * draw(st.sampled_from([1, 1, 3, 8]))), strict=True)
    return Tagged(gold, predicted)


def as_sentence(one: Tagged) -> Sentence:
    size = len(one.gold)
    words = [f"w{n}" for n in range(size)]
    return Sentence(words, one.gold, one.predicted, [False] * size, np.ones(size), "")


@settings(max_examples=20)
@given(st.lists(tagged(), min_size=1, max_size=5))
def test_f1_of_all_spans_and_by_sentence_length_is_that_of_an_evaluation(sentences):
    score = Analysis(LABELS, "bio")
    for one in sentences:
        score.add(as_sentence(one))
    counts = count_slices(sentences, "bio")
    assert int(counts["all", ""].right_S.sum()) == sum(t.spans[0] for t in score.lengths.values())
    for name, tally in score.lengths.items():
        own = counts["sentence_length", name]
        assert [int(part.sum()) for part in own] == tally.spans


@settings(max_examples=20)
@given(st.lists(tagged(), min_size=1, max_size=5))
def test_counts_by_span_length_add_up(sentences):
    counts = count_slices(sentences, "bio")
    for part in range(3):
        by_length = sum(c[part] for (slice_, _), c in counts.items() if slice_ == "span_length")
        assert np.array_equal(by_length, counts["all", ""][part])


def test_spans_count_by_their_own_length():
    gold = ("B-X", "I-X", "O", "B-Y", "O", "B-X")
    predicted = ("B-X", "I-X", "O", "B-Y", "I-Y", "O")
    counts = count_slices([Tagged(gold, predicted)], "bio")
    found = {
        value: tuple(int(part.sum()) for part in counts["span_length", value]) for value in "12"
    }
    assert found == {"1": (0, 0, 2), "2": (1, 2, 1)}
    score = SpanScore(LABELS, "bio")
    score.update([predicted], [gold])
    assert counts["all", ""].score == pytest.approx(score.compute()["f1"])


@settings(max_examples=20)
@given(st.lists(tagged(("A", "B")), min_size=1, max_size=4))
def test_plain_labels_are_counted_one_by_one(sentences):
    pairs = [(g, p) for one in sentences for g, p in zip(*one, strict=True) if g is not None]
    counts = count_slices(sentences, "plain")
    right = sum(g == p for g, p in pairs)
    assert [int(part.sum()) for part in counts["all", ""]] == [right, len(pairs), len(pairs)]
    assert "span_length" not in {slice_ for slice_, _ in counts}


@settings(max_examples=20)
@given(st.lists(tagged(), min_size=1, max_size=4))
def test_predictions_are_read_as_they_were_written(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("tagged") / "predictions.conll"
    path.write_text("".join(as_columns(as_sentence(one)) for one in sentences), encoding="utf-8")
    assert read_tagged(path) == sentences


@pytest.mark.fuzz("predictions")
@given(st.binary(max_size=80) | st.text("w O_-BX\n\t", max_size=60).map(str.encode))
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "predictions.conll"
    path.write_bytes(content)
    with suppress(InputError):
        assert all(len(one.gold) == len(one.predicted) for one in read_tagged(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("w O\n\n", r":1: a word, its gold and its predicted label are expected"),
        ("w O O\n", "has no end"),
        ("", "is empty"),
    ],
)
def test_damaged_predictions_are_refused(content, message, tmp_path):
    (tmp_path / "p").write_text(content)
    with pytest.raises(InputError, match=message):
        read_tagged(tmp_path / "p")
