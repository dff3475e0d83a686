"""The tokenizer of the training corpus is part of the model folder, and splits raw text."""

from __future__ import annotations

import json

import pytest

from seqtag import Tagger
from seqtag.errors import InputError
from seqtag.tagging.tagger import Tagger as Class

TEXT = "MailHaven-4.3 left. Anna stays."
FINEST = [["MailHaven", "-", "4", ".", "3", "left", "."], ["Anna", "stays", "."]]


@pytest.fixture
def with_tokenizer(tagger, tmp_path):
    """Return a function that writes a model folder with this tokenizer."""

    def save(tokenizer):
        data = {"format": "column"} | ({} if tokenizer is None else {"tokenizer": tokenizer})
        folder = tmp_path / "model"
        Class(tagger.network, tagger.indexer, tagger.labels, tagger.cell, data).save(folder)
        return folder

    return save


def words(sentences):
    return [[token.text for token in sentence.tokens] for sentence in sentences]


def test_a_tagger_splits_text_as_its_corpus_was_split(with_tokenizer):
    tagger = Tagger.load(with_tokenizer("finest"))
    assert tagger.tokenizer == "finest"
    found = tagger.tag(TEXT)
    assert words(found) == FINEST
    assert all(TEXT[t.start : t.end] == t.text for s in found for t in s.tokens)
    tagger = Tagger.load(with_tokenizer(r"[\w.-]+"))
    assert words(tagger.tag(TEXT)) == [["MailHaven-4.3", "left."], ["Anna", "stays."]]


def test_an_older_folder_means_default(with_tokenizer):
    tagger = Tagger.load(with_tokenizer(None))
    assert tagger.tokenizer == "default"
    assert words(tagger.tag(TEXT)) == [
        ["MailHaven-4", ".", "3", "left", "."],
        ["Anna", "stays", "."],
    ]


@pytest.mark.parametrize("wrong", ["finset", "(", 5, ["a"], None, "(?=x)", "x+" * 9999])
def test_a_wrong_tokenizer_in_a_folder_is_refused(with_tokenizer, wrong):
    folder = with_tokenizer("finest")
    path = folder / "config.json"
    stored = json.loads(path.read_text())
    stored["data"]["tokenizer"] = wrong
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match=r"config\.json: .*data\.tokenizer") as caught:
        Tagger.load(folder)
    assert len(str(caught.value).splitlines()) == 1
