"""Exported graphs under ONNX Runtime give the results of the network, for every cell and input."""

import dataclasses

import numpy as np
import onnxruntime
import pytest
import torch

from seqtag.cells import CELLS
from seqtag.export.network import export_network
from seqtag.export.weights import Float32
from seqtag.inputs.characters import CharacterConfig
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.engines.registry import set_engine

WORDS = ("Alex", "Graves", "is", "going", "to", "Paris", ".", "Anna", "1999", "new", "x")


def random_batch(seed, sentences=7, longest=9):
    """Return ragged sentences, one of them of a single word."""
    rng = np.random.default_rng(seed)
    lengths = [1, longest, *rng.integers(1, longest + 1, sentences - 2)]
    return [[str(word) for word in rng.choice(WORDS, length)] for length in lengths]


def with_cell(tagger, cell, **model):
    """Return a network like that of a tagger, with another cell and random weights."""
    torch.manual_seed(5)
    config = dataclasses.replace(tagger.network.config, **model)
    transitions = tagger.labels.transitions
    network = TaggerNetwork(
        config, cell, tagger.indexer.inputs, len(tagger.labels), transitions
    ).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.8, 0.8)
    set_engine(network, "reference")  # the others would compile a kernel for each cell
    return network


class Runner:
    """A network and its export."""

    def __init__(self, tagger, network, store=None):
        self.indexer, self.network = tagger.indexer, network
        exported = export_network(network, store or Float32())
        self.arrays = exported.arrays
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            exported.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def encode(self, sentences):
        columns = {name: [[w[:1] for w in s] for s in sentences] for name in self.indexer.features}
        return self.indexer.encode(sentences, columns)

    def run(self, sentences, names=("labels", "marginals", "scores")):
        encoded = self.encode(sentences)
        inputs = {name: encoded[array].numpy() for name, array in self.arrays.items()}
        return self.session.run(names, inputs)

    @torch.no_grad()
    def check(self, sentences, tolerance=1e-5):
        encoded = self.encode(sentences)
        lengths_B = encoded["lengths_B"]
        emissions_BTK = self.network(encoded)
        expected_BT = self.network.best_labels(emissions_BTK, lengths_B).numpy()
        p_BTK = self.network.label_probabilities(emissions_BTK, lengths_B).numpy()
        labels_BT, marginals_BTK, scores_BTK = self.run(sentences)
        inside_BT = expected_BT >= 0
        assert (labels_BT == np.where(inside_BT, expected_BT, -1)).all()
        np.testing.assert_allclose(marginals_BTK, p_BTK, atol=tolerance)
        expected = emissions_BTK.numpy()[inside_BT]
        np.testing.assert_allclose(scores_BTK[inside_BT], expected, atol=tolerance * 10)


TRACEABLE = [name for name in CELLS.names() if name != "lstm_layernorm"]


@pytest.mark.parametrize("cell", TRACEABLE)
def test_every_cell(build_tagger_once, cell):
    tagger = build_tagger_once()
    Runner(tagger, with_cell(tagger, cell)).check(random_batch(0))
    stacked = {"num_layers": 2, "layer_norm": True, "residual": True, "bidirectional": False}
    network = with_cell(tagger, cell, **stacked, decoder="softmax", characters=None)
    Runner(tagger, network).check(random_batch(1))


def test_zoneout_uses_its_expected_value(build_tagger_once):
    tagger = build_tagger_once()
    network = with_cell(tagger, "gru_reset_before", zoneout=0.3, num_layers=2)
    Runner(tagger, network).check(random_batch(2))


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
def test_padding_and_other_sentences_change_nothing(build_tagger_once, cell):
    tagger = build_tagger_once()
    runner = Runner(tagger, with_cell(tagger, cell, num_layers=2))
    sentences = random_batch(3)
    together = runner.run(sentences)
    for row, sentence in enumerate(sentences):
        alone = runner.run([sentence])
        for many, one in zip(together, alone, strict=True):
            np.testing.assert_allclose(many[row, : len(sentence)], one[0], atol=1e-6)
    labels_BT, marginals_BTK, _ = together
    for row, sentence in enumerate(sentences):
        assert (labels_BT[row, len(sentence) :] == -1).all()
        assert (marginals_BTK[row, len(sentence) :] == 0).all()


@pytest.mark.parametrize("encoder", ["lstm", "janet"])
def test_characters_by_a_recurrent_layer(build_tagger_once, encoder):
    tagger = build_tagger_once()
    characters = CharacterConfig(encoder=encoder, size=3, hidden_size=4)
    Runner(tagger, with_cell(tagger, "lstm", characters=characters)).check(random_batch(4))
