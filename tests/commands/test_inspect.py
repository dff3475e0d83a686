"""`seqtag inspect`: what is refused before anything is loaded or written, and its files."""

import shutil

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
from seqtag.recurrent.engines.registry import set_engine
from seqtag.study.inside_results import INSPECTIONS, add_inspections
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


@pytest.fixture
def no_kernels(monkeypatch):
    """Loaded taggers run on the reference: compiling kernels would take seconds."""
    load = Tagger.load

    def on_reference(folder):
        tagger = load(folder)
        set_engine(tagger.network, "reference")
        return tagger

    monkeypatch.setattr(Tagger, "load", on_reference)


def save_runs(folders, place, judged, save_run):
    """Write the folders of a finished run for each model, and return their folder."""
    for seed, encoder in enumerate(("recurrent", "transformer"), 1):
        items = judged({"distance": (5, 50)}, lambda f: f["distance"] == 5, lambda _: 0.9, 2)
        cell = "lstm" if encoder == "recurrent" else encoder
        config = {
            **{"probe": {"name": "pronoun"}, "data": {"train": 9, "batch": {"sentences": 3}}},
            **{"trainer": {"max_epochs": 2}, "optimizer": {"lr": 0.1}},
            **{"model": {"encoder": None if encoder == "recurrent" else {"name": encoder}}},
            **{"seed": seed, "cell": cell},
        }
        run = save_run(place / encoder, items.assign(cell=cell, seed=seed), config=config)
        shutil.copytree(folders / encoder, run / "model")
    return place


def test_runs_of_several_encoders(folders, tmp_path, judged, save_run, no_kernels, capsys):
    place = save_runs(folders, tmp_path / "runs", judged, save_run)
    arguments = ["inspect", str(place), "--sentences", "20", "--values", "states", "--groups", "2"]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 0
    assert {"inside.csv", "inside_2.png", "seeds.png"} <= {
        file.name for file in (tmp_path / "out").iterdir()
    }
    runs, rows = add_inspections([tmp_path / "out"], "mine", tmp_path)
    table = INSPECTIONS.read(tmp_path / "mine.csv")
    assert (runs, rows) == (2, len(table))
    states = table[table["kind"] == "read"].groupby("cell")["state"].unique()
    assert {cell: sorted(own) for cell, own in states.items()} == {
        **{"lstm": ["c", "h"], "transformer": ["y"]},
    }
    # The units of a Transformer cannot be silenced.
    assert set(table[table["kind"] == "silenced"]["cell"]) == {"lstm"}
    assert set(table[table["kind"] == "switch"]["cell"]) == {"lstm", "transformer"}
    shutil.rmtree(place / "recurrent" / "model")
    assert main(["inspect", str(place)]) == 2
    assert (
        "recurrent: the folder model/ is missing; train this run again" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either folders of runs"),
        ([".", "--model", "recurrent"], "give either folders of runs"),
        (["nowhere"], "nowhere: there is no such folder"),
        (["other"], "no finished run of a probe here or below"),
    ],
)
def test_runs_or_models(arguments, message, folders, monkeypatch, capsys):
    monkeypatch.chdir(folders)
    assert main(["inspect", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_tagger_of_a_corpus(write, plain_tagger, tmp_path, no_kernels, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plain_tagger.save(tmp_path / "model")
    pairs = ("Alex NOUN", "Graves NOUN", "is VERB", "in X", "Paris NOUN", ". X")
    sentences = ("\n".join(pairs[n % 4 : n % 4 + 2 + n % 3]) for n in range(40))
    write("own.txt", "\n\n".join(sentences) + "\n")
    common = ["inspect", "--model", "model"]
    arguments = [*common, "--data", "own.txt", "--values", "h", "--silence", "no"]
    assert main([*arguments, "--output", "out"]) == 0
    table = pd.read_csv("out/decoding.csv")
    assert set(table["split"]) == {"held out"}
    whole = table[table["distance"] == "all"]
    # Each word has one label, so the control task is learned as well.
    assert (whole["accuracy"] > 0.7).all()
    assert (whole["control"] > 0.7).all()
    capsys.readouterr()
    assert main(common) == 2
    assert "name a labelled corpus with --data, or a probe" in capsys.readouterr().err
    assert main([*arguments, "--probe", "parity"]) == 2
    assert "--data is for models (--model DIR) without --probe" in capsys.readouterr().err
    assert main([*arguments, "--model", "../nowhere"]) == 2
    assert main([*common, "--data", "nowhere.txt"]) == 2
    assert "nowhere.txt" in capsys.readouterr().err


def test_a_tagger_with_features_or_other_labels_is_refused(
    build_tagger, plain_tagger, tmp_path, capsys
):
    plain_tagger.save(tmp_path / "plain")
    for name, features in (("spans", ()), ("features", ("pos",))):
        build_tagger(features=features).save(tmp_path / name)
    folders = {name: str(tmp_path / name) for name in ("plain", "spans", "features")}
    data = ["--data", str(tmp_path / "own.txt")]
    for second, message in (("spans", "have different labels"), ("features", "column pos")):
        models = ["--model", folders["plain"], "--model", folders[second]]
        assert main(["inspect", *models, *data]) == 2
        assert message in capsys.readouterr().err


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
