"""Classes are found without an import, and imported only if a configuration names them."""

import json
import sys

import pytest

from seqtag.commands.train import train
from seqtag.errors import InputError
from seqtag.study.read import find_runs
from seqtag.sweeps.records import is_finished
from seqtag.sweeps.table import read_runs, tabulate
from seqtag.training.importable import require_module
from seqtag.training.resume.files import CheckpointFiles, read_checkpoint

TRAP = "trap_package.inner.Trap"


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """Create an importable package that fails on import; return a configuration that names it."""
    package = tmp_path / "path" / "trap_package"
    package.mkdir(parents=True)
    for name in ("__init__.py", "inner.py"):
        (package / name).write_text("raise AssertionError('it was imported')\n")
    monkeypatch.syspath_prepend(str(package.parent))
    yield {"_target_": TRAP, "lr": 0.1}
    assert not [name for name in sys.modules if name.startswith("trap_package")]


def test_a_module_is_found_without_an_import(trap):
    require_module(TRAP, [], "optimizer")
    with pytest.raises(InputError, match=r"no module trap_package\.other"):
        require_module("trap_package.other.Trap", [], "optimizer")
    with pytest.raises(InputError, match=r"no module trap_package\.inner\.deeper"):
        require_module("trap_package.inner.deeper.Trap", [], "optimizer")


def test_a_record_that_names_a_class_imports_nothing(trap, tmp_path, compose_plain, configure):
    config = compose_plain()
    folder = tmp_path / "run"
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text(f"- optimizer._target_={TRAP}\n")
    named = {**config, "optimizer": trap, "callbacks": {"mine": trap}, "probe": {"name": "parity"}}
    record = {
        **{"config": named, "finished": True},
        **{"_target_": TRAP, "scores": {"test f1": 0.5}, "judged": trap},
    }
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "metrics.json").write_text(json.dumps({"splits": {"test": {"metric": TRAP, **trap}}}))
    assert tabulate(read_runs(folder))
    assert find_runs([folder])[0]
    assert not is_finished(configure().identity)


def test_a_checkpoint_that_names_a_class_imports_nothing(trap, tmp_path, configure, caplog):
    caplog.set_level("INFO", "seqtag")
    train(configure("trainer.max_epochs=1"))
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    content = read_checkpoint(path)
    for part in ("callbacks", "loops", "optimizer_states", "lr_schedulers"):
        state = content[part]
        (state if isinstance(state, dict) else state[0])[TRAP] = dict(trap)
    content |= {"hyper_parameters": {**trap}, "datamodule_hyper_parameters": {**trap}, **trap}
    content["hparams_name"] = TRAP
    CheckpointFiles().save_checkpoint(content, path)
    train(configure("trainer.max_epochs=2", "ckpt_path=last"))
    assert "epoch 2/2" in caplog.text
