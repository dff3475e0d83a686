"""Networks of random weights, and their exports under ONNX Runtime, for tests."""

import dataclasses

import numpy as np
import onnxruntime
import torch

from seqtag.export.network import export_network
from seqtag.export.weights import Float32
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


class Exported:
    """A network and its export, run by ONNX Runtime."""

    def __init__(self, indexer, network, store=None):
        self.indexer, self.network = indexer, network
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
