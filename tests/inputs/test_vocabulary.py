"""Vocabularies and subword models: ids, normalisation, files."""

import json
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from seqtag.errors import InputError
from seqtag.inputs.vocabulary import (
    SubwordConfig,
    Vocabulary,
    build_vocabulary,
    load_subwords,
    train_subwords,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SENTENCES = [["low", "lower", "lowest"], ["newer", "newest", "low"]]


def again(vocabulary):
    return Vocabulary.from_plain(json.loads(json.dumps(vocabulary.to_plain())))


def test_ids_are_ordered_by_frequency_then_alphabetically():
    vocabulary = build_vocabulary(Counter("baccddc"))
    assert vocabulary.strings() == ["<pad>", "<unk>", "c", "d", "a", "b"]
    assert [vocabulary[s] for s in ("c", "d", "a", "b", "z", "")] == [2, 3, 4, 5, 1, 1]
    assert vocabulary.num_frequent == 4
    assert len(vocabulary) == 6


def test_rare_strings_are_left_out():
    vocabulary = build_vocabulary(Counter("aaabbc"), min_count=2)
    assert vocabulary.strings() == ["<pad>", "<unk>", "a", "b"]
    assert vocabulary["c"] == Vocabulary.UNKNOWN
    assert vocabulary.num_frequent == len(vocabulary)


def test_digits_and_case_fold_before_counting():
    vocabulary = build_vocabulary(Counter(["1999", "2024", "In", "in", "٣"]), 2, True, True)
    assert vocabulary.strings() == ["<pad>", "<unk>", "0000", "in"]
    assert vocabulary["1066"] == 2
    assert vocabulary["IN"] == 3
    assert vocabulary["٤"] == Vocabulary.UNKNOWN


def test_strings_spelled_like_padding_or_unknown_are_unknown():
    vocabulary = build_vocabulary(Counter(["<pad>", "<unk>", "a"]))
    assert vocabulary.strings() == ["<pad>", "<unk>", "a"]
    assert vocabulary["<pad>"] == vocabulary["<unk>"] == Vocabulary.UNKNOWN


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(text, max_size=5), max_size=5), st.booleans(), st.booleans(), text)
def test_a_vocabulary_survives_being_saved(sentences, fold_digits, lowercase, other):
    strings = Counter(chain.from_iterable(sentences))
    vocabulary = build_vocabulary(strings, 1, fold_digits, lowercase)
    loaded = again(vocabulary)
    assert loaded.strings() == vocabulary.strings()
    assert loaded.num_frequent == vocabulary.num_frequent
    for string in (other, *strings):
        assert loaded[string] == vocabulary[string]
        assert 0 < vocabulary[string] < len(vocabulary)
        assert vocabulary[string] > 1 or string not in strings or string in ("<pad>", "<unk>")


def test_a_damaged_vocabulary_is_refused():
    with pytest.raises(InputError, match="vocabulary of strings: its model is not WordLevel"):
        Vocabulary.from_plain({"num_frequent": 2, "tokenizer": "{}"})


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_trained_pieces_spell_the_word(kind):
    tokenizer = train_subwords(SENTENCES, SubwordConfig(kind, vocab_size=40))
    assert tokenizer.get_vocab_size() <= 40
    encoding = tokenizer.encode(["lowest"], is_pretokenized=True)
    assert "".join(piece.removeprefix("##") for piece in encoding.tokens) == "lowest"
    unknown = tokenizer.encode(["ж"], is_pretokenized=True)
    assert unknown.tokens == ["<unk>"]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_white_space_in_a_word_does_not_split_it(kind):
    tokenizer = train_subwords([["a b", "c\u00a0d"]] * 3, SubwordConfig(kind, vocab_size=50))
    assert tokenizer.encode(["a b", "c\u00a0d"], is_pretokenized=True).word_ids == [0, 1]


def test_a_loaded_tokenizer_neither_truncates_nor_pads(tmp_path):
    tokenizer = train_subwords(SENTENCES, SubwordConfig(vocab_size=20))
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=7)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = load_subwords(str(tmp_path / "tokenizer.json"))
    words = [["newestnewest"], ["low"]]
    encodings = loaded.encode_batch(words, is_pretokenized=True)
    assert ["".join(encoding.tokens) for encoding in encodings] == ["newestnewest", "low"]


def word_level(**ids):
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="unk"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer.to_str()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "not a file of the tokenizers library"),
        (b"\xff\xfe", "cannot be read"),
        (word_level(unk=0, a=7), "gaps"),
        (word_level(a=0), "unknown token 'unk' is not among its pieces"),
    ],
)
def test_tokenizers_that_cannot_be_used(write, content, message):
    with pytest.raises(InputError, match=message):
        load_subwords(str(write("tokenizer.json", content)))


def test_a_missing_tokenizer(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        load_subwords(str(tmp_path / "none.json"))


@pytest.mark.parametrize("wrong", [{"kind": "bpo"}, {"vocab_size": 1}, {"vocab_size": "many"}])
def test_invalid_values_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SubwordConfig(**wrong)
