"""Every input of a word is exported."""

import pytest
import torch
from shared.exported import Exported, random_batch, with_cell

from seqtag.data.encode.indexer import Indexer
from seqtag.errors import InputError
from seqtag.export.network import export_network
from seqtag.export.weights import Float32
from seqtag.inputs.characters import CharacterConfig
from seqtag.inputs.gazetteers import Gazetteers
from seqtag.model.network import TaggerNetwork


@pytest.mark.parametrize("encoder", ["lstm", "janet"])
def test_characters_by_a_recurrent_layer(build_tagger_once, encoder):
    tagger = build_tagger_once()
    characters = CharacterConfig(encoder=encoder, size=3, hidden_size=4)
    network = with_cell(tagger, "lstm", characters=characters)
    Exported(tagger.indexer, network).check(random_batch(4))


@pytest.mark.parametrize("widths", [(1,), (4, 2, 3)])
def test_convolutions_of_any_width(build_tagger_once, widths):
    """Of random weights: the vector of padding differs from zero, as after training."""
    tagger = build_tagger_once()
    characters = CharacterConfig(size=3, filters=2, widths=widths)
    network = with_cell(tagger, "lstm", characters=characters, words=None)
    Exported(tagger.indexer, network).check(random_batch(5))


@pytest.mark.parametrize(
    "options",
    [
        {"features": ("pos",), "case_size": 3},
        {"subwords": True},
        {"subwords": True, "words": None, "characters": None},
    ],
    ids=["columns", "pieces", "pieces_alone"],
)
def test_columns_letter_case_and_pieces(build_tagger_once, options):
    tagger = build_tagger_once(**options)
    Exported(tagger.indexer, with_cell(tagger, "gru")).check(random_batch(6))


def test_gazetteers(build_tagger_once):
    tagger = build_tagger_once()
    lists = Gazetteers({"person": ["Alex Graves", "Anna"], "city": ["Paris", "new Paris"]})
    indexer = Indexer(tagger.indexer.config, {**tagger.indexer.inputs, "gazetteers": lists})
    network = TaggerNetwork(tagger.network.config, "rnn", indexer.inputs, len(tagger.labels))
    Exported(indexer, network.eval()).check(random_batch(7))


def test_fixed_vectors_of_words(build_tagger_once):
    tagger = build_tagger_once()
    words = tagger.indexer.inputs["words"].with_words(["new", "x", "other"])
    indexer = Indexer(tagger.indexer.config, {**tagger.indexer.inputs, "words": words})
    network = with_cell(tagger, "rnn")
    embedding = network.embedding.words
    fixed = torch.randn(words.size, embedding.embedding_dim)
    fixed[::3] = 0  # words without a fixed vector
    embedding.fixed = fixed
    Exported(indexer, network).check(random_batch(8))


def test_a_module_of_another_kind_is_refused(build_tagger_once):
    network = with_cell(build_tagger_once(case_size=3), "lstm")
    network.embedding.case = torch.nn.EmbeddingBag(8, 3)
    with pytest.raises(InputError, match="the input 'case' cannot be exported"):
        export_network(network, Float32())
