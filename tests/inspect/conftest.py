from __future__ import annotations

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.inputs.vocabulary import SubwordConfig
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.engines.registry import set_engine
from seqtag.tagging.tagger import Tagger

WORDS = ["Anna", "and", "the", "old", "king", "saw", "Paris", "again", "left", "."]


def build(cell="lstm", pieces=False, **model) -> Tagger:
    """Return a small untrained tagger."""
    torch.manual_seed(3)
    subwords = SubwordConfig(vocab_size=40) if pieces else None
    sentences = [{"tokens": WORDS}]
    indexer = Indexer.fit(sentences, EncodeConfig(subwords=subwords), ())
    labels = LabelSet(["F", "M", "PL"], "plain", "plain")
    config = TaggerConfig(
        **{
            "words": {"size": 6},
            "characters": None,
            "hidden_size": 5,
            "bidirectional": False,
            "decoder": "softmax",
            "subword_size": 3 if pieces else 0,
            **model,
        }
    )
    network = TaggerNetwork(config, cell, indexer.inputs, len(labels), labels.transitions)
    set_engine(network, "reference")  # compiling a kernel for each cell would take seconds
    return Tagger(network, indexer, labels, {"name": cell} if isinstance(cell, str) else cell)


@pytest.fixture
def build_tagger():
    return build


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return build(bidirectional=True, num_layers=2)
