"""Exported graphs under ONNX Runtime give the results of the network, for every cell."""

import numpy as np
import onnx
import pytest
import torch
from shared.cells import PRESETS
from shared.exported import Exported, random_batch, with_cell

from seqtag.errors import InputError
from seqtag.export.network import export_network
from seqtag.export.step import OPERATORS
from seqtag.export.weights import Float32, Int8
from seqtag.recurrent.compiler.graph import OPERATIONS


@pytest.mark.parametrize("cell", PRESETS)
def test_every_cell(build_tagger_once, cell):
    tagger = build_tagger_once()
    stacked = {"num_layers": 2, "layer_norm": True, "residual": True}
    network = with_cell(tagger, cell, **stacked, decoder="softmax", characters=None)
    Exported(tagger.indexer, network).check(random_batch(0))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["cifg", "fgr", "indrnn", "lstm", "slstm"])
def test_one_layer_and_a_crf(build_tagger_once, cell, bidirectional):
    tagger = build_tagger_once()
    network = with_cell(tagger, cell, bidirectional=bidirectional)
    Exported(tagger.indexer, network).check(random_batch(1))


def test_zoneout_uses_its_expected_value(build_tagger_once):
    tagger = build_tagger_once()
    network = with_cell(tagger, "gru_reset_before", zoneout=0.3, num_layers=2)
    Exported(tagger.indexer, network).check(random_batch(2))


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
def test_padding_and_other_sentences_change_nothing(build_tagger_once, cell):
    tagger = build_tagger_once()
    runner = Exported(tagger.indexer, with_cell(tagger, cell, num_layers=2))
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


def test_every_operation_of_a_step_has_an_operator():
    assert OPERATIONS.keys() <= OPERATORS.keys()


@pytest.mark.parametrize(
    "cell", ["lstm", "lstm_peephole", "cifg", "gru", "gru_reset_before", "rnn"]
)
def test_cells_with_an_operator_need_no_loop(build_tagger_once, cell):
    tagger = build_tagger_once()
    network = with_cell(tagger, cell, decoder="softmax")
    operators = {node.op_type for node in export_network(network, Float32()).model.graph.node}
    assert "Scan" not in operators
    assert operators & {"LSTM", "GRU", "RNN"}


def test_marginals_of_scores_of_any_size(build_tagger_once):
    """Where scaled probabilities would underflow, logarithms are used."""
    tagger = build_tagger_once()
    network = with_cell(tagger, "lstm")
    with torch.no_grad():
        network.projection.weight.mul_(500)
    exported = Exported(tagger.indexer, network)
    emissions_BTK = network(exported.encode(random_batch(6)))
    assert emissions_BTK.max() - emissions_BTK.min() > 400
    exported.check(random_batch(6), tolerance=1e-3)


def test_labels_without_constraints(plain_tagger):
    network = with_cell(plain_tagger, "rnn")
    Exported(plain_tagger.indexer, network).check(random_batch(7))


def test_transitions_are_those_of_the_crf(tagger):
    (table,) = Exported(tagger.indexer, tagger.network).run(random_batch(8), ["transitions"])
    crf, count = tagger.network.crf, len(tagger.labels)
    with torch.no_grad():
        start_K, between_KK, end_K = (part.numpy() for part in crf.step_scores(torch.float32))
    assert table.shape == (count + 2, count)
    np.testing.assert_array_equal(table, [*between_KK, start_K, end_K])


@pytest.mark.parametrize("cell", ["lstm", "lstm_peephole", "gru", "rnn_relu", "slstm"])
def test_int8_is_near(build_tagger_once, cell):
    tagger = build_tagger_once()
    network = with_cell(tagger, cell)
    exported = Exported(tagger.indexer, network, Int8())
    encoded = exported.encode(random_batch(9))
    with torch.no_grad():
        expected = network.probabilities(encoded).numpy()
    (marginals_BTK,) = exported.run(random_batch(9), ["marginals"])
    assert np.abs(marginals_BTK - expected).max() < 0.1
    assert np.abs(marginals_BTK - expected).mean() < 0.01


def test_an_encoder_of_another_kind_is_refused(tagger):
    network = with_cell(tagger, "lstm")
    network.encoder = torch.nn.Identity()
    with pytest.raises(InputError, match="the encoder 'recurrent' cannot be exported"):
        export_network(network, Float32())


def test_graphs_name_the_version_of_the_operators(tagger):
    model = export_network(tagger.network, Int8()).model
    assert {(part.domain, part.version) for part in model.opset_import} == {
        ("", 17),
        ("com.microsoft", 1),
    }
    onnx.checker.check_model(model, full_check=True)
