"""Inspection of a tagger on a corpus: which sentences are taken, and what is found in them."""

import pytest
from shared.holding import VALUES, WANTED, FirstSymbol

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.study.corpus_sentences import LEAST, corpus_sentences
from seqtag.study.inside import inspect_taggers

LABELS = LabelSet(list(VALUES), "plain", "plain")


@pytest.fixture(scope="module")
def rows():
    """Return 60 sentences whose last token has a label, and some without any."""
    items = FirstSymbol().corpus("dev", 60, 0)
    return [*((item.tokens, item.labels) for item in items), (("a", "b"), (None, None))]


def test_sentences_are_fitted_to_or_scored(rows):
    chosen = corpus_sentences("file", rows, LABELS, 25, 0)
    (part,) = chosen.scored
    assert (len(chosen.fitted), len(part.items)) == (25, 25)
    texts = [(item.tokens, item.labels) for item in (*chosen.fitted, *part.items)]
    assert sum(text in texts for text in rows) >= len(set(texts))
    assert not {id(item) for item in chosen.fitted} & {id(item) for item in part.items}
    assert corpus_sentences("file", rows, LABELS, 25, 0).fitted == chosen.fitted
    assert corpus_sentences("file", rows, LABELS, 25, 1).fitted != chosen.fitted
    # No more than half of the sentences are fitted to.
    assert len(corpus_sentences("file", rows, LABELS, 1000, 0).fitted) == 30


def test_labels_are_those_of_the_network():
    labels = LabelSet.fit([["B-PER", "I-PER", "O"]], "bio", "bioes")
    rows = [(("Ada", "left", "."), ("B-PER", None, "O"))] * 2 * LEAST
    (item, *_) = corpus_sentences("file", rows, labels, 20, 0).fitted
    assert item.labels == ("S-PER", None, "O")
    assert item.targets == (0, 2)


def test_too_few_sentences_are_refused(rows):
    with pytest.raises(InputError, match=r"file: 39 sentences with labels; .* needs 40 or more"):
        corpus_sentences("file", rows[:39], LABELS, 20, 0)


def test_the_unit_that_holds_the_label_is_found(rows, tagger):
    inside, _ = inspect_taggers([tagger], corpus_sentences("file", rows, LABELS, 30, 0), WANTED)
    assert (inside.decoding["accuracy"] == 1).all()
    assert set(inside.decoding["split"]) == {"held out"}
    assert inside.units["units"].tolist() == [1, 1]
    assert inside.switch.empty
