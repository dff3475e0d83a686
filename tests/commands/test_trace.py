"""The verb `trace`: arguments, output files and errors."""

import json
import re

import numpy as np
import pytest
import torch

from seqtag.cli import main
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.pronoun import PronounProbe
from seqtag.tagging.tagger import Tagger


def save(folder, labels=("F", "M", "PL")) -> str:
    """Save a small untrained tagger for the pronoun probe; return its model folder."""
    torch.manual_seed(0)
    items = PronounProbe().corpus("train", 20, 0)
    indexer = Indexer.fit([{"tokens": item.tokens} for item in items], EncodeConfig(), ())
    known = LabelSet(labels, "plain", "plain")
    config = TaggerConfig(words={"size": 6}, characters=None, hidden_size=12)
    network = TaggerNetwork(config, "lstm", indexer.inputs, len(known))
    Tagger(network, indexer, known, {"name": "lstm"}).save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("trace") / "model")


def picture_data_in(page: str) -> dict:
    """Return the data of the interactive picture in a page."""
    (text,) = re.findall('<script type="application/json" id=data>(.*?)</script>', page)
    return json.loads(text)


def failed(capsys, *arguments) -> str:
    assert main(["trace", *arguments]) == 2
    return capsys.readouterr().err


def test_a_sentence_gives_arrays_page_and_a_picture_per_direction(model, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["trace", "--model", model, "Anna left. PRON slept .", "--output", str(out)]) == 0
    names = ["trace.npz", "l0.fwd.png", "l0.bwd.png", "trace.html"]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    arrays = np.load(out / "trace.npz", allow_pickle=False)
    assert arrays["tokens"].tolist() == ["Anna", "left", ".", "PRON", "slept", "."]
    assert arrays["l0.bwd/f"].shape == (6, 12)
    page = (out / "trace.html").read_text(encoding="utf-8")
    assert "Inside a tagger: lstm, 12 units" in page
    (trace,) = picture_data_in(page)["traces"]
    assert trace["tokens"] == arrays["tokens"].tolist()


def test_labels_and_unknown_words_are_reported(model, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["trace", "--model", model, "Zyx slept .", "--output", out]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"seqtag: loading {model}"
    assert re.fullmatch(r"seqtag: Zyx \(\?\)/\w+ slept/\w+ \./\w+", lines[1])
    assert lines[2] == "seqtag: unknown words: Zyx"
    page = (tmp_path / "out" / "trace.html").read_text(encoding="utf-8")
    assert picture_data_in(page)["traces"][0]["unknown"] == [0]


@pytest.mark.slow
def test_memory_in_the_sentence_and_switch_curves_in_the_probe(model, tmp_path):
    out = tmp_path / "out"
    arguments = ["--memory", "--switch", "--output", str(out)]
    assert main(["trace", "--model", model, "Anna left .", *arguments]) == 0
    lives = np.load(out / "memory.npz", allow_pickle=False)
    assert {name: lives[name].shape for name in lives} == {"l0.fwd": (12,), "l0.bwd": (12,)}
    switch = np.load(out / "switch.npz", allow_pickle=False)
    counts = {
        kind: switch[f"every/{kind}/count"]
        for kind in ("new subject", "attractor", "first subject")
    }
    here = switch["places"].tolist().index(0)
    assert counts["new subject"][here] == counts["first subject"][here] == 200
    assert counts["attractor"][here] > 100
    # The window ends before PRON's link: at most 20 words including a comma.
    assert all(count_P[-1] == 0 for count_P in counts.values())
    page = (out / "trace.html").read_text(encoding="utf-8")
    assert page.count("<img") == 2


def test_models_and_sentences_on_one_page(model, tmp_path, capsys):
    page = tmp_path / "page.html"
    arguments = ["--model", model, "Anna left .", "Peter left .", "--output", str(page)]
    assert main(["trace", "--model", model, *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [str(page)]
    traces = picture_data_in(page.read_text(encoding="utf-8"))["traces"]
    assert [trace["tokens"][0] for trace in traces] == ["Anna", "Peter", "Anna", "Peter"]
    assert {trace["name"] for trace in traces} == {f"lstm ({model})"}
    assert list(tmp_path.iterdir()) == [page]


def test_a_page_without_a_sentence_has_an_example(model, tmp_path):
    page = tmp_path / "page.html"
    assert main(["trace", "--model", model, "--only", "3,1", "--output", str(page)]) == 0
    data = picture_data_in(page.read_text(encoding="utf-8"))
    assert "PRON" in data["traces"][0]["tokens"]
    assert data["units"] == [3, 1]


def test_a_page_of_another_tagger_needs_a_sentence(tmp_path, capsys):
    folder = save(tmp_path / "model", labels=["NOUN", "VERB"])
    error = failed(capsys, "--model", folder, "--output", str(tmp_path / "page.html"))
    assert "nothing to show: give a sentence" in error


def test_memory_without_a_sentence_uses_the_probe(model, tmp_path):
    arguments = ["--memory", "--layer", "l0.fwd", "--output", str(tmp_path / "out")]
    assert main(["trace", "--model", model, *arguments]) == 0
    assert np.load(tmp_path / "out" / "memory.npz").files == ["l0.fwd"]
    assert "sentences of the pronoun probe" in (tmp_path / "out" / "trace.html").read_text()


def test_one_layer_in_the_default_folder(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["trace", "--model", model, "Anna left", "--layer", "l0.bwd"]) == 0
    (folder,) = (tmp_path / "logs" / "trace").iterdir()
    assert {path.name for path in folder.glob("*.png")} == {"l0.bwd.png"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["  "], "has no words"),
        (["Anna", "--layer", "l0.fwt"], "unknown layer 'l0.fwt' (did you mean 'l0.fwd'?)"),
        ([], "nothing to show: give a sentence, --memory or --switch"),
        (["--switch", "--layer", "l0.bwd"], "use l0.fwd"),
        (["Anna", "--values", "f,x"], "unknown gate or state of --values 'x'"),
        (["Anna", "--only", "1,x"], "--only 1,x: must be numbers of units, such as 37,70"),
        (["Anna", "--only", "3,12"], "--only 12: the layers have 12 units, 0 to 11"),
        (["Anna", "left"] * 5, "10 traces; a page compares at most 8. A sentence of several words"),
        (["Anna", "left", "--switch"], "--memory and --switch go with at most one sentence"),
        (["Anna", "--units", "some"], "--units some: must be a whole number of at least 1, or all"),
    ],
)
def test_errors_of_trace_write_nothing(arguments, message, model, tmp_path, capsys):
    out = tmp_path / "out"
    assert message in failed(capsys, "--model", model, "--output", str(out), *arguments)
    assert not out.exists()


def test_a_missing_model_folder(tmp_path, capsys):
    folder = str(tmp_path / "nowhere")
    assert "there is no such folder" in failed(capsys, "--model", folder, "Anna")


def test_a_tagger_without_the_labels_of_the_probe(tmp_path, capsys):
    folder = save(tmp_path / "model", labels=["NOUN", "VERB"])
    assert "cannot answer the probe pronoun" in failed(capsys, "--model", folder, "--switch")


def test_output_that_is_a_file(model, tmp_path, capsys):
    (tmp_path / "out").write_text("")
    arguments = ("--model", model, "Anna", "--output", str(tmp_path / "out"))
    assert "out: there is a file of that name" in failed(capsys, *arguments)


def test_the_sentence_is_split_as_the_training_corpus(tmp_path, capsys, build_tagger):
    tagger = build_tagger()
    data = {"format": "column", "tokenizer": "finest"}
    folder = tmp_path / "model"
    Tagger(tagger.network, tagger.indexer, tagger.labels, tagger.cell, data).save(folder)
    assert main(["trace", "--model", str(folder), "--output", str(tmp_path / "x"), "A-4"]) == 0
    assert "A (?)/" in (error := capsys.readouterr().err)
    assert "4 (?)/" in error
