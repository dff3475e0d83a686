"""`seqtag inspect`: what is refused before anything is loaded or written, and its files."""

import pandas as pd
import pytest
import torch
from shared.holding import holding_tagger

from seqtag.cli import main
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.english.lexicon import GENDER_OF
from seqtag.tagging.tagger import Tagger


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the folders of an LSTM and a Transformer of the pronoun probe, untrained."""
    place = tmp_path_factory.mktemp("models")
    for encoder in ("recurrent", "transformer"):
        torch.manual_seed(1)
        words = [*GENDER_OF, "the", "PRON", ",", "and", "slept"]
        indexer = Indexer.fit([{"tokens": words}], EncodeConfig(), ())
        labels = LabelSet(["F", "M", "PL"], "plain", "plain")
        sizes = {"words": {"size": 6}, "characters": None, "hidden_size": 8}
        config = TaggerConfig(**sizes, encoder=encoder, bidirectional=False, decoder="softmax")
        network = TaggerNetwork(config, "lstm", indexer.inputs, 3, labels.transitions)
        tagger = Tagger(network, indexer, labels, {"name": "lstm"}, {"probe": "pronoun"})
        tagger.save(place / encoder)
    holding_tagger().save(place / "other")
    return place


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sentences", "5"], "--sentences 5: must be a whole number from 20 to 20000"),
        (["--groups", "x"], "--groups x: must be a whole number"),
        (["--units", "1,a"], "--units 1,a: must be numbers of units, such as 12,40"),
        (["--units", ""], "must be numbers of units"),
        (["--units", "1", "--silence", "no"], "leave out --silence no"),
        (["--units", "8"], "unit 8: the layer has 8 units, 0 to 7"),
        (["--units", "0,1,2,3,4,5,6,7"], "all 8 units of the layer would be silenced"),
        (["--layer", "l3.fwd"], "unknown layer 'l3.fwd'"),
        (["--values", "h,q"], "unknown gate or state 'q'"),
        (["--probe", "nope"], "unknown --probe 'nope'"),
        (["--probe", "parity"], "it does not have the labels even, odd"),
        (["--model", "other"], "was trained on the probe pronoun"),
    ],
)
def test_mistakes_are_errors_of_one_line(arguments, message, folders, monkeypatch, capsys):
    monkeypatch.chdir(folders)
    assert main(["inspect", "--model", "recurrent", "--output", "out", *arguments]) == 2
    shown = capsys.readouterr().err.strip().splitlines()[-1]
    assert shown.startswith("seqtag: error: ")
    assert message in shown
    assert not (folders / "out").exists()


def test_units_of_a_transformer_cannot_be_silenced(folders, monkeypatch, capsys):
    monkeypatch.chdir(folders)
    assert main(["inspect", "--model", "transformer", "--silence", "zero", "--output", "out"]) == 2
    assert "leave out its units with --silence no" in capsys.readouterr().err


def test_a_transformer_is_read_by_linear_probes(folders, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(folders)
    place = tmp_path / "out"
    arguments = ["--model", "transformer", "--sentences", "20", "--output", str(place)]
    assert main(["inspect", *arguments]) == 0
    assert {file.name for file in place.iterdir()} == {
        *("decoding.csv", "switch.csv", "inside_1.png")
    }
    table = pd.read_csv(place / "decoding.csv")
    assert set(table["layer"]) == {"l0"}
    assert "read by linear probes" in capsys.readouterr().out


@pytest.mark.slow
def test_all_files_of_an_lstm_and_the_same_ones_again(folders, monkeypatch, tmp_path):
    monkeypatch.chdir(folders)
    common = ["inspect", "--model", "recurrent", "--sentences", "20", "--groups", "2"]
    for name in ("first", "second"):
        assert main([*common, "--silence", "mean", "--output", str(tmp_path / name)]) == 0
    tables = ("decoding", "switch", "silencing", "units", "forms")
    for name in tables:
        first, second = ((tmp_path / n / f"{name}.csv").read_bytes() for n in ("first", "second"))
        assert first == second
    assert (tmp_path / "first" / "inside_1.png").read_bytes().startswith(b"\x89PNG")
    sizes = pd.read_csv(tmp_path / "first" / "silencing.csv")
    assert sorted(set(sizes["size"])) == [0, 1, 2, 3, 4, 6]
