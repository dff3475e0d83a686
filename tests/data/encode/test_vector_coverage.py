"""The share of words and tokens that have a vector."""

import pytest

from seqtag.data.encode.vector_coverage import Coverage


def test_words_and_tokens_are_counted():
    coverage = Coverage.of({"the": 6, "cat": 1, "Ada": 1}, {"the", "dog"})
    assert coverage == (3, 1, 8, 6)
    assert str(coverage) == "1 of 3 words (33.3%), 75.0% of tokens"


@pytest.mark.parametrize(
    ("coverage", "low"),
    [((100, 9, 100, 49), True), ((100, 9, 100, 50), False), ((100, 10, 100, 10), False)],
)
def test_few_words_and_few_tokens_are_low(coverage, low):
    assert Coverage(*coverage).is_low is low


def test_an_empty_split_has_no_coverage():
    assert str(Coverage.of({}, set())) == "0 of 0 words (0.0%), 0.0% of tokens"
