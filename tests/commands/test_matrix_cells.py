"""Cells with a matrix state in the programs: trained, saved, loaded, and refused."""

import subprocess
import sys

import pytest

from seqtag.cli import main
from seqtag.tagging.tagger import Tagger


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("cell=mlstm", "model.hidden_size=30"),
            "model.hidden_size=30 cannot be divided among the heads of the cell MLstm(): it must "
            "be a multiple of 4",
        ),
        (("cell=mlstm", "cell.chunk=0"), "chunk must be a whole number of at least 1, not 0"),
        (("cell=rwkv7", "cell.chunk=500"), "chunk must be a whole number from 1 to 128, not 500"),
    ],
)
def test_refused_before_training(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *options]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(message)
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.slow
def test_trains_saves_and_loads_but_is_not_exported(tmp_path, capsys):
    command = [sys.executable, "-m", "seqtag.cli", "train", "cell=gated_deltanet"]
    command += ["debug=limit", "model.hidden_size=16", f"paths.output_dir={tmp_path / 'run'}"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    folder = tmp_path / "run" / "model"
    tagger = Tagger.load(folder)
    assert tagger.cell["name"] == "gated_deltanet"
    assert len(tagger.predict([["Anna", "left", "."]])[0]) == 3
    output = tmp_path / "out"
    assert main(["export", "--model", str(folder), "--output", str(output)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "the cell DeltaNet(decay=True) cannot be exported: its state is a matrix" in error
    assert not output.exists()
