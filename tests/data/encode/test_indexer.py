"""Encoding sentences: the contents of each tensor of a batch, for any text."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.errors import InputError
from seqtag.inputs.case import CASES, letter_case
from seqtag.inputs.vocabulary import SubwordConfig

SENTENCES = [
    {"tokens": ["Anna", "stays", "in", "1999", "."], "pos": ["NNP", "VBZ", "IN", "CD", "."]},
    {"tokens": ["Staying", "in", "Paris"], "pos": ["VBG", "IN", "NNP"]},
]
ODD = [
    "👩‍🚀",
    "e\u0301",
    "\u200b",
    "\x00\x07",
    "",
    "中文",
    "a\u2028b",
    "<pad>",
    "\U0010ffff",
    "x" * 99,
]
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


def fit(features=(), sentences=SENTENCES, **config):
    return Indexer.fit(sentences, EncodeConfig(**config), features)


def test_each_tensor_of_a_batch():
    indexer = fit(["pos"])
    sentences = [["Anna", "in", "Rome"], ["in"]]
    batch = indexer.encode(sentences, {"pos": [["NNP", "IN", "FW"], ["IN"]]})
    assert batch["lengths_B"].tolist() == [3, 1]
    words, pos = indexer.words, indexer.inputs["features"].vocabularies["pos"]
    assert batch["words_BT"].tolist() == [[words["Anna"], words["in"], 1], [words["in"], 0, 0]]
    case = [letter_case("Anna"), letter_case("in"), letter_case("Rome")]
    assert batch["case_BT"].tolist() == [case, [letter_case("in"), 0, 0]]
    assert batch["feature.pos"].tolist() == [[pos["NNP"], pos["IN"], 1], [pos["IN"], 0, 0]]
    characters = indexer.inputs["characters"].vocabulary
    assert len(batch["characters_UW"]) == 3  # "in" is encoded once
    spelled = batch["characters_UW"][batch["spelling_BT"]]
    for row, sentence in enumerate(sentences):
        for place, word in enumerate(sentence):
            ids = spelled[row, place]
            assert ids[ids != 0].tolist() == [characters[c] for c in word]
    assert all(tensor.dtype == torch.int64 for tensor in batch.values())


def test_a_batch_does_not_depend_on_what_was_encoded_before():
    """Otherwise sums over its words would be rounded differently in a resumed process."""
    sentences = [["Paris", "in", "Anna"], ["in", "1999"]]
    fresh = fit().encode(sentences)
    used = fit()
    used.encode([["1999", "Anna", "stays", "in", "Paris"]])
    again = used.encode(sentences)
    assert all(torch.equal(tensor, again[name]) for name, tensor in fresh.items())


def test_sizes_bound_the_ids():
    indexer = fit(["pos"], subwords={"vocab_size": 50})
    inputs = indexer.inputs
    batch = indexer.encode([ODD, ["Anna"]], {"pos": [["?"] * len(ODD), ["NNP"]]})
    assert batch["words_BT"].max() < inputs["words"].size
    assert batch["characters_UW"].max() < len(inputs["characters"].vocabulary)
    assert batch["case_BT"].max() < len(CASES)
    assert batch["pieces_BS"].max() < inputs["subwords"].size
    assert batch["feature.pos"].max() < len(inputs["features"].vocabularies["pos"])
    assert indexer.words.num_frequent == 3  # padding, unknown and "in"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(text, max_size=5), max_size=4), st.sampled_from(["bpe", "wordpiece"]))
def test_a_sentence_is_encoded_the_same_alone_and_in_a_batch(sentences, kind):
    indexer = INDEXERS[kind]
    batch = indexer.encode(sentences)
    for row, sentence in enumerate(sentences):
        alone = indexer.encode([sentence])
        length, pieces = len(sentence), int(alone["piece_lengths_B"][0])
        assert batch["lengths_B"][row] == length
        assert batch["piece_lengths_B"][row] == pieces
        for name, end in (
            ("words_BT", length),
            ("case_BT", length),
            ("first_piece_BT", length),
            ("pieces_BS", pieces),
            ("piece_word_BS", pieces),
        ):
            assert batch[name][row, :end].tolist() == alone[name][0].tolist()
            assert not batch[name][row, end:].any()
        width = alone["characters_UW"].shape[1]
        spelled = batch["characters_UW"][batch["spelling_BT"][row, :length]]
        expected = alone["characters_UW"][alone["spelling_BT"][0]]
        assert (spelled[:, :width] == expected).all()
        assert not spelled[:, width:].any()


INDEXERS = {kind: fit(subwords=SubwordConfig(kind, vocab_size=60)) for kind in ("bpe", "wordpiece")}


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_pieces_are_aligned_by_word(kind):
    indexer = INDEXERS[kind]
    sentences = [["Staying", "", "in", "Parisstays"], [], ["жч", "1999"]]
    batch = indexer.encode(sentences)
    assert batch["first_piece_BT"].shape == (3, 4)
    for row, sentence in enumerate(sentences):
        pieces = batch["pieces_BS"][row, : batch["piece_lengths_B"][row]]
        words = batch["piece_word_BS"][row, : batch["piece_lengths_B"][row]]
        assert words.tolist() == sorted(words.tolist())
        assert set(words.tolist()) == set(range(len(sentence)))
        for number, word in enumerate(sentence):
            own = [p - 1 for p in pieces[words == number].tolist()]
            encoding = indexer.inputs["subwords"].tokenizer.encode([word], is_pretokenized=True)
            assert own == (encoding.ids or [0])
            first = batch["first_piece_BT"][row, number]
            assert words[first] == number
            assert first == 0 or words[first - 1] == number - 1


def test_words_without_pieces_keep_their_position(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Replace("\u200b", "")
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    indexer = fit(subwords={"path": str(tmp_path / "tokenizer.json")})
    batch = indexer.encode([["a", "\u200b", "b a", " "], ["\u200b"]])
    assert batch["pieces_BS"].tolist() == [[2, 1, 3, 2, 1], [1, 0, 0, 0, 0]]
    assert batch["piece_word_BS"].tolist() == [[0, 1, 2, 2, 3], [0] * 5]
    assert batch["first_piece_BT"].tolist() == [[0, 1, 2, 4], [0] * 4]
    # A model folder contains the tokenizer, so its file is not needed any more.
    (tmp_path / "tokenizer.json").unlink()
    loaded = Indexer.from_plain(json.loads(json.dumps(indexer.to_plain())))
    assert loaded.encode([["b"]])["pieces_BS"].tolist() == [[3]]


def test_empty_batches_and_sentences():
    indexer = fit(["pos"], subwords={"vocab_size": 40})
    empty = indexer.encode([], {"pos": []})
    assert empty["lengths_B"].shape == (0,)
    for name in ("words_BT", "case_BT", "spelling_BT", "feature.pos", "pieces_BS"):
        assert empty[name].shape == (0, 0)
    assert empty["characters_UW"].shape[0] == 0
    batch = indexer.encode([[], []], {"pos": [[], []]})
    assert batch["lengths_B"].tolist() == batch["piece_lengths_B"].tolist() == [0, 0]
    assert batch["words_BT"].shape == batch["pieces_BS"].shape == (2, 0)


def test_a_sentence_of_50_000_tokens_is_not_cut():
    indexer = INDEXERS["bpe"]
    batch = indexer.encode([[f"word{i % 500}" for i in range(50_000)], ["in"]])
    assert batch["words_BT"].shape == (2, 50_000)
    assert batch["lengths_B"].tolist() == [50_000, 1]
    assert len(batch["characters_UW"]) == 501
    assert batch["piece_word_BS"][0].max() == 49_999


def test_odd_words_survive_being_saved():
    indexer = fit(sentences=[{"tokens": ODD}, *SENTENCES], subwords={"kind": "wordpiece"})
    loaded = Indexer.from_plain(json.loads(json.dumps(indexer.to_plain())))
    before, after = indexer.encode([ODD]), loaded.encode([ODD])
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert (before["words_BT"] > 1).sum() == len(ODD) - 1  # "<pad>" is unknown
    assert (before["words_BT"] > 0).all()
    assert loaded.to_plain() == indexer.to_plain()
    assert loaded.config == indexer.config


def test_a_missing_feature():
    indexer = fit(["pos"])
    for features in (None, {}, {"pas": [["NNP"]]}):
        with pytest.raises(InputError, match="column 'pos'"):
            indexer.encode([["Anna"]], features)


@pytest.mark.parametrize("values", [[["NNP"], ["IN", "IN"]], [["NNP"]], [[], ["IN"] * 3]])
def test_a_feature_without_a_value_for_each_word(values):
    with pytest.raises(InputError, match="does not have a value for each word"):
        fit(["pos"]).encode([["Anna", "in"], ["in"]], {"pos": values})


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_count": 0},
        {"min_count": "two"},
        {"max_characters": None},
        {"max_characters": 2.5},
        {"subwords": 100},
        {"subwords": {"kind": "words"}},
    ],
)
def test_invalid_values_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        EncodeConfig(**wrong)


def damaged(**change):
    return {**fit().to_plain(), **change}


@pytest.mark.parametrize(
    "plain",
    [
        {},
        None,
        damaged(config=3),
        damaged(config={"min_count": "x"}),
        damaged(words=None),
        damaged(words={"num_frequent": "x", "tokenizer": fit().words.tokenizer.to_str()}),
        damaged(features=[]),
        damaged(subwords="{}"),
        damaged(characters={"num_frequent": 2}),
    ],
)
def test_a_damaged_indexer_is_refused(plain):
    with pytest.raises(InputError):
        Indexer.from_plain(plain)
