from __future__ import annotations

import pytest
import torch

from seqtag.data.encode import EncodeConfig, Encoder
from seqtag.data.labelset import LabelSet
from seqtag.data.vocabulary import SubwordConfig
from seqtag.io.tagger import Tagger
from seqtag.model.config import TaggerConfig
from seqtag.model.tagger import TaggerNetwork
from seqtag.recurrent.engines import set_engine

WORDS = ["Anna", "and", "the", "old", "king", "saw", "Paris", "again", "left", "."]


def build(cell="lstm", pieces=False, **model) -> Tagger:
    """Return a small tagger that has learned nothing."""
    torch.manual_seed(3)
    subwords = SubwordConfig(vocab_size=40) if pieces else None
    sentences = [{"tokens": WORDS}]
    encoder = Encoder.fit(sentences, EncodeConfig(subwords=subwords), ())
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
    network = TaggerNetwork(config, cell, encoder.sizes, len(labels), labels.transitions)
    set_engine(network, "reference")  # a kernel for each cell would take seconds to build
    return Tagger(network, encoder, labels, {"name": cell} if isinstance(cell, str) else cell)


@pytest.fixture
def build_tagger():
    return build


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return build(bidirectional=True, num_layers=2)
