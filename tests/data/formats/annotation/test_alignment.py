"""Spans of characters to labels of tokens: what does not fit, and the three policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.formats.annotation.alignment import align
from seqtag.data.formats.document import CharSpan, Document
from seqtag.data.text.split import split_text
from seqtag.labels import problems

TEXT = "Ann met Bob. Eve left Berlinale."


def aligned(spans, widen, text=TEXT):
    document = Document(text, tuple(CharSpan(*span) for span in spans))
    return align(document, split_text(text), widen)


def labels(spans, widen):
    return [[label or "?" for label in row] for row in aligned(spans, widen).labels]


CASES = [
    ((0, 3, "P"), "", "B-P O O O|O O O O", "B-P O O O|O O O O"),
    ((0, 4, "P"), "have white space at their edge", "? O O O|O O O O", "B-P O O O|O O O O"),
    ((22, 28, "L"), "cut a token", "O O O O|O O ? O", "O O O O|O O B-L O"),
    ((8, 16, "X"), "cross the end of a sentence", "O O ? ?|? O O O", "O O B-X I-X I-X O O O"),
    ((0, 3, ""), "have no label", "? O O O|O O O O", "? O O O|O O O O"),
    ((3, 4, "P"), "are empty", "O O O O|O O O O", "O O O O|O O O O"),
    ((5, 5, "P"), "are empty", "O O O O|O O O O", "O O O O|O O O O"),
    ((30, 99, "P"), "lie outside the text", "O O O O|O O O O", "O O O O|O O O O"),
    ((-3, 2, "P"), "lie outside the text", "O O O O|O O O O", "O O O O|O O O O"),
    ((9, 2, "P"), "lie outside the text", "O O O O|O O O O", "O O O O|O O O O"),
]


@pytest.mark.parametrize(("span", "kind", "skipped", "widened"), CASES)
def test_one_span(span, kind, skipped, widened):
    for widen, expected in ((False, skipped), (True, widened)):
        assert labels([span], widen) == [row.split() for row in expected.split("|")]
        found = aligned([span], widen).problems
        assert [problem.kind for problem in found] == ([kind] if kind else [])


@pytest.mark.parametrize("widen", [False, True])
def test_of_overlapping_spans_the_longest_is_kept(widen):
    spans = [(0, 3, "P"), (0, 7, "Q"), (4, 11, "R"), (0, 7, "Q")]
    assert labels(spans, widen)[0] == ["B-Q", "I-Q", "?", "O"]
    found = aligned(spans, widen).problems
    assert [problem.kind for problem in found] == ["overlap another span"] * 3
    assert "'Ann' (P, 0-3)" in [problem.text for problem in found]


@given(
    st.text("aB .\n😀é", max_size=30),
    st.lists(st.tuples(st.integers(-2, 33), st.integers(-2, 33), st.sampled_from("XY"))),
    st.booleans(),
)
def test_labels_are_legal_and_no_span_is_lost_in_silence(text, spans, widen):
    found = aligned(spans, widen, text)
    tokens = [token for sentence in found.sentences for token in sentence]
    assert tokens == [token for sentence in split_text(text) for token in sentence.tokens]
    for sentence, row in zip(found.sentences, found.labels, strict=True):
        assert len(sentence) == len(row)
        assert not problems(row, "bio")
    kept = sum(str(label)[0] == "B" for row in found.labels for label in row)
    lost = sum(problem.remedy == "left out" for problem in found.problems)
    assert kept + lost == len(spans)
