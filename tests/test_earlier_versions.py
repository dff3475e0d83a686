"""Files of earlier versions can still be read: model folders, checkpoints, sweeps, items."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seqtag import Tagger
from seqtag.cli import main

OLD = Path(__file__).parent / "fixtures" / "0.1"
# The overrides of the runs in OLD.
SETTINGS = (
    *("data=column", "data.path=corpus", "data.batch.sentences=2", "optimizer.lr=0.05"),
    *("trainer.max_epochs=6", "model.hidden_size=6", "model.words.size=6"),
    *("model.characters.size=4", "model.characters.widths=[2,3]", "model.characters.filters=4"),
    *("model.input_dropout=0.1", "model.layer_dropout=0.1", "model.output_dropout=0.1"),
)


@pytest.fixture
def old(tmp_path, monkeypatch):
    """Change to a copy of the files and return its folder."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture
def run(capfd):
    """Return a function that runs the program and returns what it printed."""

    def program(*arguments: str) -> str:
        code = main(arguments)
        printed = "".join(capfd.readouterr())
        assert code == 0, printed
        return printed

    return program


def test_old_model_folder_gives_the_same_labels():
    tagger = Tagger.load(OLD / "model")
    sentences = [
        ["Alex", "Graves", "left", "Munich", "."],
        ["Naïve", "café", "in", "Zürich", "."],
        ["Unseen", "words"],
    ]
    assert tagger.predict(sentences) == [
        ["B-PER", "I-PER", "O", "B-LOC", "O"],
        ["O", "O", "O", "B-LOC", "O"],
        ["O", "O"],
    ]


def test_old_interrupted_run_resumes_to_the_weights_of_the_uninterrupted_one(old, run):
    places = ("callbacks.last.every_steps=1", "hydra.run.dir=killed", "ckpt_path=last")
    output = run("train", *SETTINGS, *places)
    assert "epoch 6/6" in output
    assert "epoch 2/6" not in output
    whole = load_file(OLD / "model" / "model.safetensors")
    resumed = load_file(old / "killed" / "model" / "model.safetensors")
    # Other processors sum in another order.
    torch.testing.assert_close(resumed, whole, rtol=1e-3, atol=1e-4)
    epochs = (old / "killed" / "metrics.csv").read_text().splitlines()
    assert epochs[:5] == (OLD / "killed" / "metrics.csv").read_text().splitlines()
    assert len(epochs) == 13


def test_old_sweep_repeats_only_its_unfinished_run(old, run):
    (old / "logs" / "train").mkdir(parents=True)
    (old / "sweep").rename(old / "logs" / "train" / "half")
    records = sorted((old / "logs" / "train" / "half").glob("*/run.json"))
    before = [path.read_text() for path in records]
    output = run("train", "-m", *SETTINGS, "cell=gru,lstm", "study=half", "seed=1")
    assert "1 of 2 jobs are finished already" in output
    assert records[0].read_text() == before[0]
    finished = sorted((old / "logs" / "train" / "half").glob("*/model"))
    assert len(finished) == 1
    record = json.loads((finished[0].parent / "run.json").read_text())
    assert record["finished"]
    assert record["config"]["cell"]["name"] == "lstm"
    assert "cell=gru" in output


def test_old_probe_run_can_be_reported_and_its_tagger_evaluated(old, run):
    run("report", "probe", "--output", "report")
    assert "parity" in (old / "report" / "report.html").read_text(encoding="utf-8")
    again = ("probe=parity", "model_dir=probe/model", "probe.grid={length: [5]}")
    run("probe", *again, "probe.quick.items=2", "hydra.run.dir=again")
    assert (old / "again" / "items.parquet").is_file()
