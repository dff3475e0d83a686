"""A tagger that continues from a model folder: what it keeps, and what begins anew."""

import logging

import pytest
import torch

from seqtag import Tagger
from seqtag.commands.train import train
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model.network import TaggerNetwork
from seqtag.training.initial.labels import label_sources
from seqtag.training.initial.start import Start

OLD = [["Alex", "Graves", "is", "going", "to", "Paris", "."], ["Anna", "stays", "in", "1999", "."]]
NEW = [{"tokens": ["Anna", "drives", "a", "Škoda", "!"], "pos": ["N", "V", "D", "N", "."]}]
TEXT = [["Anna", "drives", "to", "Škoda", "Paris", "1999", "!"], ["Alex", "Graves", "."]]


def continued(folder, tagger, labels=(["B-CAR", "O"],), corpus_scheme="bio", scheme=None):
    """Return a tagger with the vocabularies, labels and weights of a folder, and those of NEW."""
    start = Start(str(folder))
    fit = Indexer.fit(NEW, start.fit_config(tagger.indexer.config), tagger.indexer.features)
    indexer = start.indexer(fit)
    fitted = LabelSet.fit(labels, corpus_scheme, scheme or tagger.labels.scheme)
    new = start.labels(fitted)
    config = tagger.network.config
    allowed = new.transitions if config.decoder == "crf" else None
    network = TaggerNetwork(config, tagger.cell, indexer.inputs, len(new), allowed)
    start.copy_weights(network, indexer, new)
    return Tagger(network.eval(), indexer, new, tagger.cell)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decoder": "softmax", "case_size": 2},
        {"scheme": "bio", "num_layers": 2, "layer_norm": True},
        {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3, "words": None},
        {"characters": {"encoder": "gru", "hidden_size": 3}},
        {"features": ("pos",)},
    ],
)
def test_a_new_tagger_first_predicts_what_the_old_one_does(tmp_path, build_tagger, options):
    tagger = build_tagger(**options)
    tagger.save(tmp_path / "model")
    new = continued(tmp_path / "model", tagger)
    columns = {"pos": [["V"] * len(s) for s in TEXT]} if "features" in options else None
    assert new.predict(TEXT, columns) == tagger.predict(TEXT, columns)
    assert {"B-CAR", "I-CAR"} < set(new.labels.labels)
    assert new.labels.labels[: len(tagger.labels)] == tagger.labels.labels
    before, after = (
        t.network.probabilities(t.indexer.encode(TEXT, columns))[..., : len(tagger.labels)]
        for t in (tagger, new)
    )
    assert torch.allclose(before, after, atol=0.02)


def test_plain_labels(tmp_path, plain_tagger):
    plain_tagger.save(tmp_path / "model")
    new = continued(tmp_path / "model", plain_tagger, [["VERB", "ADJ"]], "plain")
    assert new.labels.labels == ("NOUN", "VERB", "X", "ADJ")
    assert new.predict(TEXT) == plain_tagger.predict(TEXT)


def test_vectors_go_with_their_words(tmp_path, tagger):
    tagger.save(tmp_path / "model")
    new = continued(tmp_path / "model", tagger)
    before, after = (t.network.embedding.words.weight for t in (tagger, new))
    for word in {word for sentence in OLD for word in sentence}:
        rows = [t.indexer.words[word] for t in (tagger, new)]
        assert rows[0] > 1
        assert torch.equal(before[rows[0]], after[rows[1]])
    assert torch.equal(after[new.indexer.words["Škoda"]], before[1])


def test_bio_becomes_bioes_and_back(tmp_path, build_tagger):
    bio = build_tagger(scheme="bio")
    bio.save(tmp_path / "bio")
    bioes = continued(tmp_path / "bio", bio, [["B-PER", "O"]], scheme="bioes")
    assert len(bioes.labels) == 1 + 4 * 2
    assert bioes.predict(TEXT) == bio.predict(TEXT)
    sources, is_new = label_sources(bioes.labels, bio.labels)
    row = dict(zip(bioes.labels.labels, sources[bio.labels.labels.index("B-PER")], strict=True))
    assert {label for label, share in row.items() if share} == {"B-PER", "S-PER"}
    assert not is_new.any()
    bioes.save(tmp_path / "bioes")
    back = continued(tmp_path / "bioes", bioes, [["B-PER", "O"]], scheme="bio")
    for name, weight in back.network.state_dict().items():
        if not name.startswith("crf"):
            same = [back.labels.labels.index(label) for label in bio.labels.labels]
            weight = weight[same] if name.startswith("projection") else weight
            assert weight.shape[1:] == bio.network.state_dict()[name].shape[1:]


def test_what_does_not_fit_is_refused(tmp_path, tagger):
    tagger.save(tmp_path / "model")
    start = Start(str(tmp_path / "model"))
    with pytest.raises(InputError, match=r"init: data\.encode\.lowercase is True, but False in"):
        start.fit_config(EncodeConfig(lowercase=True))
    with pytest.raises(InputError, match="spans, the corpus plain"):
        start.labels(LabelSet(["NOUN"], "plain", "plain"))


@pytest.fixture
def first(configure, tmp_path):
    """Return the model folder of a first training."""
    train(configure("trainer.max_epochs=1", output=tmp_path / "first"))
    return tmp_path / "first" / "model"


def test_the_command_takes_the_network_of_the_folder(configure, tmp_path, first, caplog):
    default = ("model.hidden_size=200", "model.words.size=100", "model.characters.size=30")
    same = (*default, "model.characters.filters=50", f"init={first}", "model.input_dropout=0.1")
    with caplog.at_level(logging.INFO):
        train(configure(*same, "trainer.max_epochs=1", output=tmp_path / "second"))
    second = Tagger.load(tmp_path / "second" / "model")
    assert second.network.config.hidden_size == 16
    assert second.network.config.input_dropout == 0.1
    assert "new: nothing" in caplog.text
    for other, message in (
        ("model.hidden_size=17", r"init: model\.hidden_size is 17, but 16 in .*: leave out"),
        ("cell=gru", "init: cell is"),
        ("model.decoder=softmax", r"init: model\.decoder is 'softmax'"),
        ("data.encode.lowercase=true", r"init: data\.encode\.lowercase is True"),
        ("init=nowhere", "nowhere: there is no such folder"),
    ):
        with pytest.raises(InputError, match=message):
            configure(*same, other, output=tmp_path / "third")
    with pytest.raises(InputError, match="is in the folder of this run"):
        configure(*same, output=tmp_path / "first")


def test_gazetteers_cannot_be_added(configure, tmp_path):
    train(configure("trainer.max_epochs=1", output=tmp_path / "first"))
    (tmp_path / "names.txt").write_text("Alex\n", encoding="utf-8")
    settings = (f"init={tmp_path}/first/model", f"data.gazetteers=[{tmp_path}/names.txt]")
    with pytest.raises(InputError, match="reads no gazetteers, and none can be added"):
        train(configure(*settings, output=tmp_path / "second"))
