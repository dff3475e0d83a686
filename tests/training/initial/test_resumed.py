"""A training that begins with a model folder: interrupted and resumed, and as a whole program."""

import subprocess
import sys

import lightning as L
import pytest
from safetensors.torch import load_file

from seqtag.commands.train import train
from seqtag.training import fit as fit_module


class Stop(L.Callback):
    """Raises an error after some batches."""

    def on_train_batch_end(self, trainer, *_):
        """Raise it."""
        if trainer.global_step == 11:
            raise RuntimeError("interrupted")


def test_an_interrupted_run_resumes_to_the_same_weights(configure, tmp_path, monkeypatch):
    train(configure("trainer.max_epochs=1", output=tmp_path / "first"))
    settings = (f"init={tmp_path}/first/model", "callbacks.last.every_steps=1")
    train(configure(*settings, output=tmp_path / "whole"))
    build = fit_module.build_trainer

    def stopping(*arguments):
        trainer = build(*arguments)
        trainer.callbacks.append(Stop())
        return trainer

    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "build_trainer", stopping)
        with pytest.raises(RuntimeError, match="interrupted"):
            train(configure(*settings, output=tmp_path / "parts"))
    train(configure(*settings, "ckpt_path=last", output=tmp_path / "parts"))
    whole, parts = (load_file(tmp_path / n / "model/model.safetensors") for n in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all((whole[name] == parts[name]).all() for name in whole)


@pytest.mark.slow
def test_the_program_continues_from_a_folder(tmp_path, small):
    def seqtag(folder, *arguments):
        command = [
            sys.executable,
            "-m",
            "seqtag.cli",
            "train",
            f"hydra.run.dir={tmp_path / folder}",
        ]
        ended = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    code, printed = seqtag("first", *small)
    assert code == 0, printed
    init = (*small[:3], f"init={tmp_path}/first/model", "trainer.max_epochs=1")
    code, printed = seqtag("second", *init, "freeze=[words]", "model.label_weights={PER: 2.0}")
    assert code == 0, printed
    assert "init: kept 14 words, 27 characters, 5 labels; new: nothing" in printed
    before, after = (
        load_file(tmp_path / n / "model/model.safetensors") for n in ("first", "second")
    )
    same = {name for name in before if (before[name] == after[name]).all()}
    assert same == {"embedding.words.weight"}
    for wrong in ("model.hidden_size=17", "freeze=[word]", "model.label_weights={PRE: 2.0}"):
        code, printed = seqtag("third", *init, wrong)
        assert (code, printed.count("seqtag: error:"), "Traceback" in printed) == (2, 1, False)
