"""`seqtag export` as a program: what it writes, measures and refuses."""

import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from seqtag.cli import main
from seqtag.commands import export as command
from seqtag.tagging.tagger import Tagger

LABELLED = "Alex B-PER\nGraves I-PER\nis O\n\nAnna B-PER\nstays O\n. O\n"
COPIED = ("config.json", "tokenizer.json", "labels.json")


@pytest.fixture
def labelled(write):
    """Return a file of labelled sentences."""
    return write("dev.txt", LABELLED)


@pytest.fixture
def run(folder, tmp_path, capsys):
    """Return a function that exports to ``out``: exit code, standard output, last error line."""

    def call(*arguments, model=folder):
        output = str(tmp_path / "out")
        code = main(["export", "--model", str(model), "--output", output, *map(str, arguments)])
        shown, errors = capsys.readouterr()
        assert "Traceback" not in errors
        return code, shown, errors.splitlines()[-1] if errors else ""

    return call


def test_the_folder(run, folder, tmp_path):
    code, shown, _ = run()
    out = tmp_path / "out"
    assert (code, shown) == (0, f"{out / 'model.onnx'}\n")
    names = {file.name for file in out.iterdir()}
    assert names == {*COPIED, "README.md", "export.json", "model.onnx"}
    for name in COPIED:
        assert (out / name).read_bytes() == (folder / name).read_bytes()
    card = (out / "README.md").read_text()
    assert card.startswith((folder / "README.md").read_text().rstrip())
    assert "Its accuracy was not measured after the export." in card
    about = json.loads((out / "export.json").read_text())
    assert about["version"] == 1
    assert about["quantisation"] is about["measured"] is None
    assert [value["name"] for value in about["inputs"]] == [
        *("words", "characters", "spelling", "lengths")
    ]


def test_export_json_describes_the_graph(run, folder, tmp_path):
    run()
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    for key, values in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        kinds = {"tensor(int64)": "int64", "tensor(float)": "float32"}
        described = [(value["name"], value["dtype"], value["shape"]) for value in about[key]]
        assert described == [(value.name, kinds[value.type], value.shape) for value in values]
    tagger, words = Tagger.load(folder), [["Alex", "left", "."]]
    arrays = tagger.indexer.encode(words)
    feeds = {value["name"]: arrays[value["array"]].numpy() for value in about["inputs"]}
    (labels_BT,) = session.run(["labels"], feeds)
    names = tagger.labels.decode(labels_BT[0].tolist())
    assert names == tagger.predict(words)[0]


def test_int8_prints_the_scores_and_writes_them_to_the_card(run, labelled, tmp_path):
    code, shown, error = run("--quantize", "int8", "--evaluate", labelled, "--force")
    assert code == 0, error
    assert shown.startswith("f1: ")
    assert "% before, " in shown
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["quantisation"] == "int8"
    measured = about["measured"]
    assert (measured["file"], measured["sentences"], measured["score"]) == ("dev.txt", 2, "f1")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "with weights quantised to int8" in card
    assert f"f1 is {measured['after']:.2%}; before the export it was" in card


def test_a_loss_is_refused_without_force(run, labelled, tmp_path, monkeypatch):
    measure = command._measure
    monkeypatch.setattr(
        command, "_measure", lambda *given: measure(*given)._replace(before=0.9, after=0.894)
    )
    quantized = ("--quantize", "int8", "--evaluate", labelled)
    code, _, error = run(*quantized)
    assert code == 2
    assert "the exported tagger loses 0.60 points, more than 0.5; nothing was written" in error
    assert not (tmp_path / "out").exists()
    assert run(*quantized, "--force")[0] == 0
    assert "before the export it was 90.00%" in (tmp_path / "out" / "README.md").read_text()


def test_a_score_can_be_measured_in_float32(run, labelled, tmp_path):
    code, shown, _ = run("--evaluate", labelled)
    before, after = (part.split("%")[0] for part in shown.removeprefix("f1: ").split(", "))
    assert code == 0
    assert float(before) == float(after)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "onx"], "unknown format 'onx' (did you mean 'onnx'?)"),
        (["--quantize", "int4"], "unknown type of --quantize 'int4'"),
        (["--quantize", "int8"], "--quantize can cost accuracy: measure it with --evaluate FILE"),
        (["--force"], "--force accepts a loss by --quantize, which is not set"),
        (["--evaluate", "nowhere.txt"], "--evaluate: nowhere.txt: there is no such file"),
    ],
)
def test_mistakes_are_refused(run, tmp_path, arguments, message):
    code, shown, error = run(*arguments)
    assert (code, shown) == (2, "")
    assert message in error
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_kept(run, write):
    write("out/notes.txt", "mine")
    code, _, error = run()
    assert code == 2
    assert "out: exists and is not an empty folder; choose another name" in error


def test_model_folders_that_cannot_be_read(run, folder, tmp_path):
    assert "there is no such folder" in run(model=tmp_path / "none")[2]
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99}))
    code, _, error = run()
    assert code == 2
    assert "format 99, written by seqtag" in error
    assert not (tmp_path / "out").exists()


def test_a_cell_that_cannot_be_exported(run, tmp_path, monkeypatch):
    from seqtag.cells import Lstm

    def step(self, wx, rh, state, unit):
        return {"h": (wx["z"] + rh["z"]).erf(), "c": state["c"]}

    monkeypatch.setattr(Lstm, "step", step)
    monkeypatch.setattr("seqtag.export.recurrent.has_operator", lambda cell: False)
    code, _, error = run()
    assert code == 2
    assert "the cell Lstm() cannot be exported: its step uses an operation that" in error
    assert "(.erf)" in error
    assert not (tmp_path / "out").exists()


def test_libraries_that_are_not_installed(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, _, error = run()
    assert code == 2
    assert "seqtag export needs onnx: pip install 'seqtag[export]'" in error


@pytest.mark.slow
def test_in_a_subprocess(folder, labelled, tmp_path):
    command = [sys.executable, "-m", "seqtag.cli", "export", "--model", folder]
    command += ["--output", "out", "--evaluate", labelled]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "out/model.onnx"
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    feeds = {"words": [[2, 3]], "spelling": [[0, 1]], "characters": [[2], [3]], "lengths": [2]}
    arrays = {name: np.array(values, np.int64) for name, values in feeds.items()}
    assert session.run(["labels"], arrays)[0].shape == (1, 2)
