"""Fixtures: small taggers with random weights."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.tagging.tagger import Tagger

SENTENCES = [
    {
        "tokens": ["Alex", "Graves", "is", "going", "to", "Paris", "."],
        "labels": ["B-PER", "I-PER", "O", "O", "O", "B-LOC", "O"],
        "pos": ["NNP", "NNP", "VBZ", "VBG", "TO", "NNP", "."],
    },
    {
        "tokens": ["Anna", "stays", "in", "1999", "."],
        "labels": ["B-PER", "O", "O", "O", "O"],
        "pos": ["NNP", "VBZ", "IN", "CD", "."],
    },
]
SMALL = {
    "words": {"size": 6},
    "characters": {"size": 4, "filters": 3, "widths": [2, 3]},
    "hidden_size": 5,
    "feature_size": 2,
}


def build(features=(), scheme="bioes", encode=None, labels=None, cell="lstm", **model) -> Tagger:
    torch.manual_seed(3)
    indexer = Indexer.fit(SENTENCES, EncodeConfig(**(encode or {})), features)
    if labels is None:
        labels = LabelSet.fit([s["labels"] for s in SENTENCES], "bio", scheme)
    config = TaggerConfig(**{**SMALL, **model})
    cell = {"name": cell}
    network = TaggerNetwork(config, cell, indexer.inputs, len(labels), labels.transitions)
    with torch.no_grad():
        # Large weights, so that labels differ from word to word.
        for name, parameter in network.named_parameters():
            if name.startswith(("projection", "encoder")):
                parameter.mul_(5.0)
    return Tagger(network, indexer, labels, cell, {"format": "column", "features": list(features)})


@pytest.fixture
def build_tagger():
    return build


@pytest.fixture(scope="session")
def build_any():
    """Return `build` for property tests, which need a fixture of session scope."""
    return build


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return build()


@pytest.fixture(scope="session")
def plain_tagger() -> Tagger:
    return build(labels=LabelSet(["NOUN", "VERB", "X"], "plain", "plain"))


@pytest.fixture
def folder(tmp_path, tagger):
    tagger.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="session")
def build_tagger_once():
    """Return `build` with a cache; options must be hashable.

    ``subwords=True`` stands for the options of a tagger that reads subwords.
    """

    @cache
    def build_once(subwords=False, **options):
        pieces = {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3}
        return build(**options, **(pieces if subwords else {}))

    return build_once
