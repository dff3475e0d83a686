"""Embeddings of words: concatenated inputs, and words that are randomly unknown."""

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.inputs.modules.words import WordEmbedding
from seqtag.model.config import CharacterConfig, TaggerConfig, WordConfig
from seqtag.model.embed import Embedding


def test_rare_words_are_randomly_unknown_in_training():
    torch.manual_seed(0)
    words = WordEmbedding(num_words=6, frequent_words=4, size=3, unknown=0.5)
    ids_BT = torch.tensor([[0, 1, 2, 3, 4, 5]]).expand(4000, -1)
    y_BTD = words(ids_BT)
    assert (y_BTD[:, :4] == words.weight[:4]).all()
    unknown_BT = (y_BTD == words.weight[1]).all(2)
    for rare in (4, 5):
        assert 0.46 < unknown_BT[:, rare].float().mean() < 0.54
        known = ~unknown_BT[:, rare]
        assert (y_BTD[known, rare] == words.weight[rare]).all()
    # Drawn for each word separately.
    assert not unknown_BT[:, 4].equal(unknown_BT[:, 5])
    words.eval()
    assert words(ids_BT).equal(words.weight[ids_BT])


def test_words_start_small_and_padding_stays_zero():
    words = WordEmbedding(num_words=50, frequent_words=50, size=12, unknown=0.5)
    assert words.weight.abs().max() <= 0.5
    assert words.weight.std() > 0.2
    assert not words.weight[0].any()
    words(torch.tensor([[0, 1]])).sum().backward()
    assert not words.weight.grad[0].any()
    assert words.weight.grad[1].all()


SMALL = {
    "words": WordConfig(size=5),
    "characters": CharacterConfig(size=3, filters=2, widths=(2, 3)),
    "case_size": 2,
    "feature_size": 3,
}
# A column of CoNLL-U, names of attributes of torch's ModuleDict, and one that looks escaped.
COLUMNS = ["pos", "feats.Case", "type", "items", "training", "%2E", "a b"]


def inputs(columns=COLUMNS):
    sentence = {"tokens": ["a", "b"], **{name: ["x", name] for name in columns}}
    indexer = Indexer.fit([sentence], EncodeConfig(), columns)
    return indexer.inputs, indexer.encode(
        [["a", "b"], ["b"]], {name: [["x", name], [name]] for name in columns}
    )


def test_inputs_are_concatenated():
    parts, batch = inputs()
    embedding = Embedding(TaggerConfig(**SMALL), parts).eval()
    assert embedding.output_size == 5 + 4 + 2 + 3 * len(COLUMNS)
    x_BTD = embedding(batch)
    assert x_BTD.shape == (2, 2, embedding.output_size)
    words_BTD, spelled_BTD, case_BTD, *columns_BTD = x_BTD.split([5, 4, 2, *[3] * len(COLUMNS)], 2)
    assert words_BTD.equal(embedding.words.weight[batch["words_BT"]])
    expected_UF = embedding.characters(batch["characters_UW"])
    assert spelled_BTD.equal(expected_UF[batch["spelling_BT"]])
    assert case_BTD.equal(embedding.case.weight[batch["case_BT"]])
    assert len(embedding.features) == len(COLUMNS)
    for actual_BTD, module, name in zip(
        columns_BTD, embedding.features.values(), COLUMNS, strict=True
    ):
        assert actual_BTD.equal(module.weight[batch[f"feature.{name}"]])


def test_column_names_are_part_of_weight_names():
    parts, _ = inputs(["pos", "feats.Case"])
    keys = Embedding(TaggerConfig(**SMALL), parts).state_dict().keys()
    assert {key for key in keys if key.startswith("features")} == {
        "features.pos.weight",
        "features.feats%2ECase.weight",
    }


@pytest.mark.parametrize("without", ["words", "characters"])
def test_inputs_can_be_left_out(without):
    parts, batch = inputs([])
    embedding = Embedding(TaggerConfig(**{**SMALL, without: None, "case_size": 0}), parts)
    assert embedding.output_size == (4 if without == "words" else 5)
    assert embedding(batch).shape == (2, 2, embedding.output_size)
    assert not hasattr(embedding, without)


def test_an_embedding_without_inputs_has_no_features():
    parts, batch = inputs([])
    embedding = Embedding(TaggerConfig(words=None, characters=None), parts)
    assert embedding.output_size == 0
    assert embedding(batch).shape == (2, 2, 0)


def test_vectors_by_spelling_equal_those_of_the_words():
    sentences = [["The", "cat", "the", "cat"], ["A", "cat"], []]
    indexer = Indexer.fit([{"tokens": s} for s in sentences], EncodeConfig(), ())
    embedding = Embedding(TaggerConfig(case_size=3), indexer.inputs).eval()
    inputs = indexer.encode(sentences)
    by_word_BTD = embedding(inputs)
    by_spelling_UD = embedding.vectors_by_spelling(inputs)
    assert len(by_spelling_UD) == 4
    inside_BT = inputs["words_BT"] != 0
    actual_BTD = by_spelling_UD[inputs["spelling_BT"]]
    torch.testing.assert_close(actual_BTD[inside_BT], by_word_BTD[inside_BT])
