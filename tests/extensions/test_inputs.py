"""An input of an installed package: chosen by name, trained, saved, loaded and used for tagging."""

import json

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.inputs import INPUTS
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.tagging.tagger import Tagger
from seqtag.training.initial.start import Start

pytestmark = pytest.mark.usefixtures("installed")

# The suffix alone determines the label of a word.
WORDS = [stem + suffix for stem in ("wal", "tal", "jum", "pla") for suffix in ("ked", "king")]
LABELS = ["past" if word.endswith("ed") else "now" for word in WORDS]
MODEL = {
    "words": None,
    "characters": None,
    "inputs": {"suffix": {"size": 4, "length": 2}},
    "hidden_size": 4,
    "decoder": "softmax",
}


@pytest.fixture(scope="module")
def trained(installed):
    torch.manual_seed(0)
    config = TaggerConfig(**MODEL, input_dropout=0.0, output_dropout=0.0)
    indexer = Indexer.fit([{"tokens": WORDS}], EncodeConfig(), (), config.package_input_options)
    labels = LabelSet.fit([LABELS], "plain")
    network = TaggerNetwork(config, "gru", indexer.inputs, len(labels))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    inputs, gold_BT = indexer.encode([WORDS]), torch.tensor([labels.encode(LABELS)])
    for _ in range(30):
        optimizer.zero_grad()
        network.train().loss(inputs, gold_BT).backward()
        optimizer.step()
    return Tagger(network, indexer, labels, "gru")


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suffix") / "model"
    trained.save(folder)
    return folder


def test_the_input_is_used_before_and_after_loading(trained, folder):
    sentences = [["unseen", "looking", "cooked"], ["king"]]
    loaded = Tagger.load(folder)
    for tagger in (trained, loaded):
        assert tagger.predict([WORDS]) == [LABELS]
        assert tagger.predict(sentences)[0][1:] == ["now", "past"]
    assert loaded.indexer.to_plain() == trained.indexer.to_plain()
    assert "and reads suffix." in (folder / "README.md").read_text()


def test_vectors_by_spelling_are_those_of_the_words(trained):
    inputs = trained.indexer.encode([["walked", "king", "walked"], ["king"]])
    with torch.no_grad():
        by_spelling = trained.network.embedding.vectors_by_spelling(inputs)[inputs["spelling_BT"]]
        by_word = trained.network.embedding(inputs)
    assert by_spelling[inputs["words_BT"] != 0].equal(by_word[inputs["words_BT"] != 0])


def test_training_that_begins_with_its_folder_keeps_the_input(trained, folder):
    start = Start(str(folder))
    options = trained.network.config.package_input_options
    rows = [{"tokens": ["sung", "sang"]}]
    fitted = Indexer.fit(rows, start.fit_config(EncodeConfig()), (), options)
    indexer = start.indexer(fitted)
    labels = start.labels(LabelSet.fit([["past", "noun"]], "plain"))
    network = TaggerNetwork(trained.network.config, "gru", indexer.inputs, len(labels))
    start.copy_weights(network, indexer, labels)
    assert Tagger(network, indexer, labels, "gru").predict([WORDS]) == [LABELS]
    # The base class keeps the vocabulary of the folder.
    assert indexer.inputs["suffix"].to_plain() == trained.indexer.inputs["suffix"].to_plain()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"sufix": {}}, "unknown input 'sufix' .did you mean 'suffix'"),
        ({"suffix": {"lenght": 2}}, "model.inputs.suffix: unknown key 'lenght'"),
        ({"suffix": {"length": 0}}, "model.inputs.suffix.length must be"),
        ({"suffix": 3}, "inputs.suffix must be"),
        ({"words": {}}, "model.inputs.words: set this input by its own key"),
    ],
)
def test_contradictory_or_incomplete_values_are_refused(inputs, message):
    with pytest.raises(InputError, match=message):
        TaggerConfig(inputs=inputs)


def test_a_network_without_the_ids_of_a_chosen_input(trained):
    standard = {name: part for name, part in trained.indexer.inputs.items() if name != "suffix"}
    with pytest.raises(InputError, match=r"model\.inputs\.suffix is set, but the words were"):
        TaggerNetwork(trained.network.config, "gru", standard, 2)


def test_a_model_folder_whose_package_is_missing(folder, monkeypatch):
    config = json.loads((folder / "config.json").read_text())
    assert config["packages"] == {"input suffix": "seqtag-extra"}
    monkeypatch.setattr(INPUTS, "installed", {})
    monkeypatch.delitem(INPUTS._entries, "suffix")
    with pytest.raises(InputError, match="the input 'suffix' belongs to the package 'seq"):
        Tagger.load(folder)


@pytest.mark.parametrize(
    ("packages", "inputs", "message"),
    [
        ([], None, "'packages'"),
        ({"input os": "os"}, {"os": {}}, "the input 'os' belongs to the package 'os'"),
        ({}, {"os.system": {}}, "unknown input 'os.system'"),
        ({}, ["suffix"], "model.inputs must be"),
        ({}, {"suffix": {"size": 4, "length": 2}, "_target_": {}}, "unknown input '_target_'"),
        ({}, {}, "it has the inputs suffix, but model.inputs names none"),
    ],
)
def test_a_hostile_folder_is_refused(folder, packages, inputs, message):
    path = folder / "config.json"
    before = path.read_text()
    config = json.loads(before)
    config["packages"] = packages
    if inputs is not None:
        config["model"]["inputs"] = inputs
    try:
        path.write_text(json.dumps(config))
        with pytest.raises(InputError, match=message) as caught:
            Tagger.load(folder)
        assert str(folder) in str(caught.value)
    finally:
        path.write_text(before)
