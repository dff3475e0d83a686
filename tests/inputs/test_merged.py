"""Vocabularies and inputs of a tagger that continues on a new corpus."""

import pytest

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.errors import InputError
from seqtag.inputs.vocabulary import build_vocabulary

OLD = [{"tokens": ["the", "the", "cat", "1999"], "pos": ["D", "D", "N", "C"]}]
NEW = [{"tokens": ["dog", "dog", "cat", "fox", "2024"], "pos": ["N", "N", "N", "X", "C"]}]


def test_frequent_strings_come_first_and_stay_frequent():
    old, new = (
        build_vocabulary({"a": 5, "b": 1, "c": 1}),
        build_vocabulary({"b": 2, "a": 1, "d": 1}),
    )
    merged = old.merged(new)
    assert merged.strings()[2:] == ["a", "b", "c", "d"]
    assert merged.num_frequent == 4  # padding, unknown, a, b
    assert merged.num_trained == len(merged) == 6
    assert [merged[s] for s in ("a", "e")] == [2, 1]


def test_strings_that_were_not_seen_in_training_stay_behind_the_others():
    old = build_vocabulary({"a": 2}).extended(["x", "y"])
    merged = old.merged(build_vocabulary({"y": 1, "z": 2}))
    assert merged.strings()[2:] == ["a", "z", "y", "x"]
    assert (merged.num_frequent, merged.num_trained) == (4, 5)


def test_an_indexer_has_the_words_characters_and_values_of_both():
    old, new = (Indexer.fit(s, EncodeConfig(), ["pos"]) for s in (OLD, NEW))
    merged = old.extended(new)
    assert set(merged.words.strings()[2:]) == {"the", "cat", "0000", "dog", "fox"}
    assert {*"thecadogfx190"} <= set(merged.inputs["characters"].vocabulary.strings())
    assert merged.inputs["features"].row_names() == {
        "pos.weight": ["<pad>", merged.words.strings()[1], "D", "N", "C", "X"]
    }
    assert Indexer.from_plain(merged.to_plain()).to_plain() == merged.to_plain()


def test_other_feature_columns_are_refused():
    old, new = Indexer.fit(OLD, EncodeConfig(), ["pos"]), Indexer.fit(NEW, EncodeConfig(), [])
    with pytest.raises(InputError, match=r"set data\.features=\[pos\]"):
        old.extended(new)
