"""The verb `trace`, from its arguments to its files."""

import numpy as np
import pytest
import torch

from seqtag.cli import main
from seqtag.data.encode import EncodeConfig, Encoder
from seqtag.data.labelset import LabelSet
from seqtag.io.tagger import Tagger
from seqtag.model.config import TaggerConfig
from seqtag.model.tagger import TaggerNetwork
from seqtag.probes.pronoun import PronounProbe


def save(folder, cell="lstm", **model) -> str:
    """Write a small tagger of the pronoun probe that has learned nothing; return its folder."""
    torch.manual_seed(0)
    items = PronounProbe().corpus("train", 20, 0)
    encoder = Encoder.fit([{"tokens": item.tokens} for item in items], EncodeConfig(), ())
    labels = LabelSet(["F", "M", "PL"], "plain", "plain")
    small = {"words": {"size": 6}, "characters": None, "hidden_size": 12, **model}
    network = TaggerNetwork(TaggerConfig(**small), cell, encoder.sizes, len(labels))
    Tagger(network, encoder, labels, {"name": cell}).save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("trace") / "model")


def failed(capsys, *arguments) -> str:
    assert main(["trace", *arguments]) == 2
    return capsys.readouterr().err


def test_a_sentence_gives_arrays_a_page_and_a_picture_each_way(model, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["trace", "--model", model, "Anna left. PRON slept .", "--output", str(out)]) == 0
    names = ["trace.npz", "trace.html", "l0.fwd.png", "l0.bwd.png"]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    arrays = np.load(out / "trace.npz", allow_pickle=False)
    assert arrays["tokens"].tolist() == ["Anna", "left", ".", "PRON", "slept", "."]
    assert arrays["l0.bwd/f"].shape == (6, 12)
    assert (out / "trace.html").read_text(encoding="utf-8").count("<img") == 2


def test_one_layer_in_a_folder_of_the_day(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["trace", "--model", model, "Anna left", "--layer", "l0.bwd"]) == 0
    (made,) = (tmp_path / "logs" / "trace").iterdir()
    assert {path.name for path in made.glob("*.png")} == {"l0.bwd.png"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["  "], "has no words"),
        (["Anna", "--layer", "l0.fwt"], "no layer 'l0.fwt' (did you mean 'l0.fwd'?)"),
        (["Anna", "--units", "some"], "--units some: a whole number of at least 1, or all"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(arguments, message, model, tmp_path, capsys):
    out = tmp_path / "out"
    assert message in failed(capsys, "--model", model, "--output", str(out), *arguments)
    assert not out.exists()


def test_a_model_that_is_not_there(tmp_path, capsys):
    folder = str(tmp_path / "nowhere")
    assert "there is no such folder" in failed(capsys, "--model", folder, "Anna")


def test_a_place_that_is_taken_by_a_file(model, tmp_path, capsys):
    (tmp_path / "out").write_text("")
    arguments = ("--model", model, "Anna", "--output", str(tmp_path / "out"))
    assert "out: cannot be made" in failed(capsys, *arguments)
