"""Cells and inputs of an installed package are exported like those of seqtag."""

import dataclasses

import pytest
from shared.exported import Exported, random_batch, with_cell

from seqtag.data.encode.indexer import Indexer
from seqtag.errors import InputError
from seqtag.export.network import export_network
from seqtag.export.weights import Float32
from seqtag.inputs import INPUTS, Training
from seqtag.model.network import TaggerNetwork

pytestmark = pytest.mark.usefixtures("installed")


@pytest.mark.parametrize("cell", ["mine", "mine_slow", "inner"])
def test_cells(build_tagger_once, cell):
    tagger = build_tagger_once()
    network = with_cell(tagger, cell, num_layers=2, residual=True)
    Exported(tagger.indexer, network).check(random_batch(0))


def test_an_input_that_is_an_embedding(build_tagger_once):
    tagger = build_tagger_once()
    config = dataclasses.replace(tagger.network.config, inputs={"suffix": {"size": 3}})
    words = tagger.indexer.words.strings()[2:]
    training = Training(dict.fromkeys(words, 1), tagger.indexer.config, (), dict, list)
    suffix = INPUTS["suffix"].cls.fit(training, config.package_input_options["suffix"])
    indexer = Indexer(tagger.indexer.config, {**tagger.indexer.inputs, "suffix": suffix})
    network = TaggerNetwork(config, "rnn", indexer.inputs, len(tagger.labels)).eval()
    Exported(indexer, network).check(random_batch(1))


def test_an_encoder_is_refused(build_tagger_once):
    tagger = build_tagger_once()
    network = with_cell(tagger, "lstm", encoder="neighbours")
    with pytest.raises(InputError, match="the encoder 'neighbours' cannot be exported: only rec"):
        export_network(network, Float32())
