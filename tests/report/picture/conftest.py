import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.tagging.tagger import Tagger

WORDS = ["Anna", "the", "old", "king", "saw", "Paris", "again", "."]


@pytest.fixture(scope="session")
def build_picture_tagger():
    """Return a function that builds a small untrained tagger with a cell."""

    def build(cell: str) -> Tagger:
        torch.manual_seed(3)
        indexer = Indexer.fit([{"tokens": WORDS}], EncodeConfig(), ())
        labels = LabelSet(["F", "M", "PL"], "plain", "plain")
        options = {"characters": None, "hidden_size": 5, "bidirectional": False}
        config = TaggerConfig(words={"size": 6}, decoder="softmax", **options)
        network = TaggerNetwork(config, cell, indexer.inputs, len(labels), labels.transitions)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.startswith("encoder"):
                    parameter.mul_(3.0)
        return Tagger(network, indexer, labels, {"name": cell})

    return build
