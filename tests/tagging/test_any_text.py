"""Property tests: any text and any words can be tagged, with exact offsets and equal labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.labels import spans

# Characters with unusual combinations: line ends, spaces, joiners, marks, directions, controls,
# surrogates, emoji of several characters, and letters whose length changes with their case.
_ODD = (
    "\r\n\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029\xa0\u1680\u2003\u202f\u3000 "
    "\u200b\u200c\u200d\u2060\ufeff\xad\u0301\u20e3\ufe0f\u0489\u202a\u202e\u2066\u2069\u061c\x00\x07\x7f"
    "\ud800\udbff\udc00\udfff👩🏽🇩1é漢กिİßﬁﷺ\U000e0067\U0010ffff<>#@-_.'’!?&"
)
_PARTS = ["Alex Graves", "Paris.", "Mr. ", "can't", "http://x.y/(z)", "a@b.de", "\r\n", "\n\n"]
_PARTS += [
    "👩\u200d👩\u200d👧",
    "🏴\U000e0067\U000e007f",
    "e" + "\u0301" * 40,
    " " * 300,
    "שלום",
    "-DOCSTART-",
]
CHARACTERS = st.one_of(st.characters(), st.sampled_from(_ODD), st.sampled_from("Alex.5' "))
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=80),
    st.lists(st.one_of(st.sampled_from(_PARTS), st.text(CHARACTERS, max_size=6))).map("".join),
)
SENTENCES = st.lists(st.lists(st.text(CHARACTERS, max_size=8), max_size=6), max_size=6)


@pytest.fixture(scope="session", params=["crf", "subwords and softmax"])
def any_tagger(request, build_tagger_once):
    if request.param == "crf":
        return build_tagger_once()
    return build_tagger_once(subwords=True, decoder="softmax")


def check_places(text, sentences):
    """Check that tokens equal the text at their offsets, in order, and cover all visible text."""
    covered = 0
    for sentence in sentences:
        assert sentence.tokens
        for token in sentence.tokens:
            assert text[covered : token.start].strip() == ""
            assert token.start < token.end
            assert text[token.start : token.end] == token.text
            covered = token.end
        assert sentence.text == text[sentence.tokens[0].start : covered]
        for span in sentence.spans:
            first, last = sentence.tokens[span.first_token], sentence.tokens[span.last_token]
            assert (span.start, span.end) == (first.start, last.end)
            assert text[span.start : span.end] == span.text
    assert text[covered:].strip() == ""


def check_labels(tagger, sentence):
    known = set(tagger.labels.corpus_labels)
    assert len(sentence.labels) == len(sentence.tokens) == len(sentence.probabilities)
    assert set(sentence.labels) <= known
    assert all(0.0 <= value <= 1.0 for value in sentence.probabilities)
    expected = [(s.type, s.start, s.end - 1) for s in spans(sentence.labels, "bio")]
    assert [(s.type, s.first_token, s.last_token) for s in sentence.spans] == expected
    for span in sentence.spans:
        assert span.probability == min(
            sentence.probabilities[span.first_token : span.last_token + 1]
        )


@pytest.mark.fuzz("text")
@given(text=TEXTS)
def test_raw_text(any_tagger, text):
    sentences = any_tagger.tag(text, probabilities=True)
    check_places(text, sentences)
    for sentence in sentences:
        check_labels(any_tagger, sentence)
    words = [[token.text for token in sentence.tokens] for sentence in sentences]
    labels = [list(sentence.labels) for sentence in sentences]
    assert any_tagger.predict(words) == labels
    assert [list(sentence.labels) for sentence in any_tagger.stream(iter(words))] == labels
    assert any_tagger.tag(text) == any_tagger.tag(np.str_(text))


@pytest.mark.fuzz("text")
@given(sentences=SENTENCES)
def test_words(any_tagger, sentences):
    """Words may be any strings too: spaces, empty strings, line ends."""
    found = any_tagger.tag(sentences, probabilities=True)
    assert [[token.text for token in s.tokens] for s in found] == sentences
    for sentence in found:
        check_labels(any_tagger, sentence)
    assert any_tagger.predict(map(tuple, sentences)) == [list(s.labels) for s in found]
    assert list(any_tagger.stream(sentences, probabilities=True)) == found
    # Labels do not depend on the other sentences.
    apart = [any_tagger.predict([words])[0] for words in sentences[:2]]
    assert apart == [list(s.labels) for s in found[:2]]
