"""Building the corpus and the network from settings."""

import torch

from seqtag.data.batches.order import BatchConfig
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.training import build


def test_a_few_whole_batches_are_both_splits(configure):
    corpus = build.corpus(configure().training.data.corpus)
    few = build.few_batches(corpus, 2, BatchConfig(sentences=4), seed=1)
    assert few.splits.keys() == {"train", "dev"}
    assert few.splits["train"][:] == few.splits["dev"][:]
    assert len(few.splits["train"]) == 8
    known = set(map(tuple, corpus.splits["train"]["tokens"]))
    assert set(map(tuple, few.splits["train"]["tokens"])) <= known


def test_a_local_corpus_path_is_made_absolute(corpus, monkeypatch):
    monkeypatch.chdir(corpus.parent)
    assert build.with_absolute_path({"path": corpus.name})["path"] == str(corpus)
    assert build.with_absolute_path({"path": "https://x/y"})["path"] == "https://x/y"
    assert build.with_absolute_path({"train": 3}) == {"train": 3}


def test_the_corpus_of_a_probe_is_generated():
    corpus = build.corpus(ProbeCorpusConfig(train=3, dev=2, test=2, seed=1), ("test",))
    assert list(corpus.splits) == ["test"]
    assert corpus.factors == ("distance", "attractors", "switches", "depth")


def test_a_network_for_a_number_of_parameters_is_that_with_its_hidden_size(configure):
    weights = []
    for size in ("parameters=6000", "model.hidden_size=15"):
        settings = configure(size).training
        corpus = build.corpus(settings.data.corpus)
        indexer = build.indexer(settings.data, settings.model, corpus)
        model = build.sized_model(settings, indexer)
        assert model.hidden_size == 15
        torch.manual_seed(1)
        network = build.network(model, settings.cell, indexer, build.label_set("bio", corpus))
        weights.append(network.state_dict())
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[1])


def test_the_network_is_compiled_only_during_training_and_without_the_crf(configure, monkeypatch):
    options = []

    def compile_stub(function, **arguments):
        options.append(arguments)
        return lambda *args, **kwargs: "compiled"

    monkeypatch.setattr(torch, "compile", compile_stub)
    settings = configure().training
    corpus = build.corpus(settings.data.corpus)
    indexer = build.indexer(settings.data, settings.model, corpus)
    labels = build.label_set(settings.data.tag_scheme, corpus)
    network = build.network(settings.model, settings.cell, indexer, labels)
    keys, rows = list(network.state_dict()), torch.zeros(1, network.projection.in_features)
    with build.compiled(network, True):
        assert network.projection(rows) == "compiled"
        assert network.crf._compiled_call_impl is None
        assert list(network.state_dict()) == keys
    assert network.projection(rows).shape == (1, len(labels))
    assert options == [{"dynamic": True}] * 3
    with build.compiled(network, False):
        assert network.projection(rows).shape == (1, len(labels))
