"""An encoder of an installed package: trained by the command line, loaded, used for tagging."""

import json

import pytest
import torch

from seqtag.cli import main
from seqtag.errors import InputError
from seqtag.inspect.trace import trace
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders import ENCODERS
from seqtag.tagging.tagger import Tagger

SENTENCES = [["Anna", "is", "in", "Paris"], ["Anna"], ["in", "Rome"]]


@pytest.fixture(scope="module")
def folder(installed, tmp_path_factory):
    place = tmp_path_factory.mktemp("neighbours")
    text = "Anna B-PER\nis O\nin O\nRome B-LOC\n\nPeter B-PER\nleft O\n\n" * 8
    for split in ("train", "dev", "test"):
        (place / f"{split}.txt").write_text(text)
    arguments = (
        *("train", "data=column", f"data.path={place}", f"hydra.run.dir={place / 'run'}"),
        *("model.encoder={name: neighbours, width: 2}", "model.inputs={suffix: {size: 4}}"),
        *("trainer.max_epochs=1", "trainer.accelerator=cpu", "data.batch.sentences=4"),
    )
    assert main(list(arguments)) == 0
    return place / "run" / "model"


def test_labels_are_the_same_alone_and_in_a_batch(folder):
    tagger = Tagger.load(folder)
    assert tagger.network.config.encoder == {"name": "neighbours", "width": 2}
    together = tagger.tag(SENTENCES, probabilities=True)
    for sentence, row in zip(SENTENCES, together, strict=True):
        (alone,) = tagger.tag([sentence], probabilities=True)
        assert alone.labels == row.labels
        torch.testing.assert_close(alone.probabilities, row.probabilities, rtol=0, atol=1e-5)
    assert "encoder `neighbours`" in (folder / "README.md").read_text()


def test_features_of_recurrent_encoders_are_refused(folder):
    with pytest.raises(InputError, match="encoder 'neighbours' is not recurrent"):
        trace(Tagger.load(folder), ["Anna"])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"encoder": "neighbors"}, "unknown encoder 'neighbors' .did you mean 'neighbours'"),
        ({"encoder": {"width": 2}}, "model.encoder must be a name or have the key 'name'"),
        ({"encoder": {"name": "neighbours", "with": 2}}, "model.encoder: unknown key 'with'"),
        ({"encoder": {"name": "neighbours", "width": 0}}, "model.encoder.width must be"),
        ({"encoder": "neighbours", "language_model": 0.1}, "needs both directions"),
    ],
)
def test_contradictory_or_incomplete_values_are_refused(config, message):
    with pytest.raises(InputError, match=message):
        TaggerConfig(**config)


def test_a_model_folder_whose_package_is_missing(folder, monkeypatch):
    config = json.loads((folder / "config.json").read_text())
    assert config["packages"]["encoder neighbours"] == "seqtag-extra"
    monkeypatch.setattr(ENCODERS, "installed", {})
    monkeypatch.delitem(ENCODERS._entries, "neighbours", raising=False)
    message = "the encoder 'neighbours' belongs to the package 'seqtag-extra', which is not"
    with pytest.raises(InputError, match=message):
        Tagger.load(folder)
