"""Words in a Unicode normalization form: only for the network, in training and use."""

import json
import unicodedata

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.normalize import normalized, normalized_counts
from seqtag.training.settings import DataSettings

COMPOSED = "caf\u00e9"
DECOMPOSED = "cafe\u0301"
SENTENCES = [{"tokens": [COMPOSED, "\uff21"]}, {"tokens": [DECOMPOSED, "A"]}]
words = st.lists(st.text(st.sampled_from("ae\u0301\u00e9\uff21\ufb01\u212b1"), max_size=4))


@given(words, st.sampled_from(["NFC", "NFKC"]))
def test_each_word_is_normalized(tokens, form):
    assert normalized(form, tokens) == [unicodedata.normalize(form, word) for word in tokens]


def test_counts_of_equal_words_are_added():
    counts = {DECOMPOSED: 2, "a": 1, COMPOSED: 3}
    assert normalized_counts("NFC", counts) == {COMPOSED: 5, "a": 1}


@pytest.mark.parametrize(("form", "size"), [(None, 6), ("NFC", 5), ("NFKC", 4)])
def test_the_vocabulary_has_one_entry_for_each_form(form, size):
    indexer = Indexer.fit(SENTENCES, EncodeConfig(normalize=form), ())
    assert len(indexer.words) == size
    again = Indexer.from_plain(json.loads(json.dumps(indexer.to_plain())))
    assert again.config.normalize == form
    assert again.is_unknown("cafe\u0301s")
    assert not again.is_unknown(DECOMPOSED)


@given(st.lists(words.filter(bool), min_size=1, max_size=4))
def test_tensors_are_those_of_the_normalized_words(sentences):
    plain = [{"tokens": normalized("NFKC", tokens)} for tokens in sentences]
    one = Indexer.fit([{"tokens": s} for s in sentences], EncodeConfig(normalize="NFKC"), ())
    other = Indexer.fit(plain, EncodeConfig(), ())
    batch, expected = one.encode(sentences), other.encode([row["tokens"] for row in plain])
    assert batch.keys() == expected.keys()
    assert all(torch.equal(batch[name], expected[name]) for name in batch)


def test_without_it_the_indexer_is_stored_as_before():
    plain = Indexer.fit(SENTENCES, EncodeConfig(), ()).to_plain()
    assert "normalize" not in plain["config"]


def test_the_setting_reaches_the_indexer():
    plain = {"format": "column", "path": "x", "normalize": "NFC", "tag_scheme": "auto"}
    data = DataSettings.from_plain({**plain, "batch": {}, "encode": {}})
    assert data.encode == EncodeConfig(normalize="NFC")
    assert DataSettings.from_plain(data.to_plain()).encode == data.encode
