"""Cells of an installed package are used by name, like those of seqtag."""

import json
import re
import shutil
import sys

import numpy as np
import pytest
import torch

from seqtag import Recurrent, Tagger
from seqtag.cells import build_cell
from seqtag.cells.registry import CELLS
from seqtag.cli import main
from seqtag.errors import InputError
from seqtag.inspect.memory import half_lives
from seqtag.inspect.trace import display_order, trace

pytestmark = pytest.mark.usefixtures("installed")

TINY = (
    *("data=pronoun", "data.train=60", "data.dev=20", "data.test=20", "model.hidden_size=8"),
    *("model.words.size=8", "trainer.max_epochs=1", "engine=loop"),
)
SENTENCE = ["Anna", "left", "the", "king", "."]


@pytest.fixture(scope="module")
def swept(installed, tmp_path_factory):
    """Return the folder of a sweep over a cell of seqtag and one of the package."""
    folder = tmp_path_factory.mktemp("sweep")
    assert main(["train", "-m", "cell=lstm,mine", *TINY, f"hydra.sweep.dir={folder}"]) == 0
    return folder


@pytest.fixture(scope="module")
def model(swept):
    return next(swept.glob("cell-mine*")) / "model"


def test_cells_are_built_by_name():
    assert str(build_cell("mine_slow")) == "Mine(haste=0.5)"
    assert str(build_cell({"name": "mine", "haste": 2.0})) == "Mine(haste=2.0)"
    with pytest.raises(InputError, match=r"cell 'mine': unknown key 'hast' \(did you mean 'haste'"):
        build_cell({"name": "mine", "hast": 2.0})
    assert CELLS.distribution("inner") == "seqtag-extra"
    assert CELLS.distribution("lstm") is None


@pytest.mark.parametrize("name", ["mine", "inner"])
def test_cells_run_and_learn_in_a_layer(name):
    torch.manual_seed(0)
    layer = Recurrent(name, 3, 5, bidirectional=True, zoneout=0.1, recurrent_dropout=0.1)
    layer(torch.randn(2, 4, 3), torch.tensor([4, 2]))[0].sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_a_sweep_trains_and_saves_taggers(swept, model):
    assert len(list(swept.glob("*/model"))) == 2
    config = json.loads((model / "config.json").read_text())
    assert config["cell"] == {"name": "mine", "haste": 1.0}
    assert config["packages"] == {"cell mine": "seqtag-extra"}
    card = (model / "README.md").read_text()
    assert "Needs the package `seqtag-extra` (cell mine) in addition to seqtag." in card
    assert "This tagger gives every word of a sentence a label. It was trained with seqtag" in card
    (call,) = re.findall(r"tagger\.tag\((\[\[.*\]\])\)", card)
    assert {*json.loads(call)[0]} <= {*Tagger.load(model).indexer.words.strings()[2:]}
    (ours,) = swept.glob("cell-lstm*/model/config.json")
    assert "Needs the package" not in (ours.parent / "README.md").read_text()
    assert "packages" not in json.loads(ours.read_text())


def test_traces_have_the_names_of_the_gates(model, tmp_path, capsys):
    arguments = ["--model", str(model), "--memory", "--output", str(tmp_path), " ".join(SENTENCE)]
    assert main(["trace", *arguments]) == 0
    arrays = np.load(tmp_path / "trace.npz")
    assert {"l0.fwd/renew", "l0.fwd/trail", "l0.fwd/h"} <= set(arrays)

    tagger = Tagger.load(model)
    values = trace(tagger, SENTENCE).values["l0.fwd"]
    cell = tagger.network.encoder.cell
    assert list(display_order(cell, values)) == ["renew", "offer", "trail", "h"]
    assert cell.meanings["renew"] == "share that is new"
    (life_H, *_) = half_lives(tagger, [SENTENCE]).values()
    log_TH = np.log(1 - values["renew"][1:].astype(float))
    np.testing.assert_allclose(life_H, np.log(0.5) / log_TH.mean(axis=0), rtol=1e-5)


@pytest.mark.usefixtures("uninstalled")
@pytest.mark.parametrize("verb", ["evaluate", "tag", "trace"])
def test_the_error_names_the_missing_package(verb, model, tmp_path, capsys):
    arguments = {
        "evaluate": [f"model_dir={model}", f"hydra.run.dir={tmp_path / 'run'}"],
        "tag": ["--model", str(model), "--input", str(model / "README.md")],
        "trace": ["--model", str(model), "Anna left ."],
    }
    assert main([verb, *arguments[verb]]) == 2
    *_, line = capsys.readouterr().err.splitlines()  # `trace` also logs what it loads
    assert "the cell 'mine' belongs to the package 'seqtag-extra', which is not inst" in line


@pytest.mark.usefixtures("uninstalled")
def test_the_name_of_a_package_is_shown_escaped_and_never_imported(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["packages"]["cell mine"] = "antigravity\n\x1b[2J"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"'antigravity\\n\\x1b\[2J', which is not installed"):
        Tagger.load(folder)
    assert "antigravity" not in sys.modules


def test_a_config_dir_file_takes_precedence_and_help_lists_the_names(tmp_path, capsys):
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell" / "mine.yaml").write_text("name: mine\nhaste: 7.0\n")
    shown = ["train", "--cfg", "job", "data=pronoun", "cell=mine"]
    assert main([*shown, "--config-dir", str(tmp_path)]) == 0
    assert "haste: 7.0" in capsys.readouterr().out
    assert main([*shown, "cell.haste=2"]) == 0
    assert "haste: 2" in capsys.readouterr().out
    assert main([*shown, "cell.hast=2"]) == 2
    assert "unknown key 'cell.hast' (did you mean 'cell.haste'?)" in capsys.readouterr().err
    own = ("data=pronoun", f"hydra.sweep.dir={tmp_path / 'sweep'}")
    for key, lacking in (("haste", "gru"), ("chrono", "mine")):
        assert main(["train", "-m", "cell=mine,gru", f"cell.{key}=1", *own]) == 2
        message = f"cell.{key}: cell={lacking} has no option {key!r}, but others in the sweep do"
        assert message in capsys.readouterr().err
    assert main([*shown[:-1], "cell=mien"]) == 2
    error = capsys.readouterr().err
    assert "cell=mien: unknown option (did you mean 'mine'?)" in error
    assert "a cell of an installed package needs an entry point in seqtag.cells" in error
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"mine_slow +From the package seqtag-extra", text)
    assert "a cell of an installed package needs an entry point in seqtag.cells" in text


@pytest.mark.slow
def test_a_sweep_in_other_processes(seqtag, tmp_path):
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    done = seqtag("train", "-m", "cell=gru,mine", *TINY, *launcher, f"hydra.sweep.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("cell-mine*/model/config.json"))
