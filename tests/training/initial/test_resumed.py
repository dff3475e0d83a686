"""A training that began with a model folder and was interrupted; the whole program."""

import subprocess
import sys

import pytest
from safetensors.torch import load_file


def seqtag(*arguments):
    command = [sys.executable, "-m", "seqtag.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path, small):
    places = {name: tmp_path / name for name in ("first", "whole", "parts", "frozen")}
    quick = (*small, "callbacks.last.every_steps=1")
    first = seqtag("train", *quick, f"hydra.run.dir={places['first']}")
    assert first.returncode == 0, first.stderr
    data = small[:3]
    begin = (*data, "data.batch.sentences=8", "optimizer.lr=0.02", f"init={places['first']}/model")
    whole = seqtag("train", *begin, "trainer.max_epochs=2", f"hydra.run.dir={places['whole']}")
    assert whole.returncode == 0, whole.stderr
    assert "kept 14 words" in whole.stdout + whole.stderr
    here = f"hydra.run.dir={places['parts']}"
    steps = ("trainer.max_epochs=2", "callbacks.last.every_steps=1", here)
    stopped = seqtag("train", *begin, *steps, "trainer.max_time=00:00:00:00")
    resumed = seqtag("train", *begin, *steps, "ckpt_path=auto")
    assert resumed.returncode == 0, stopped.stderr + resumed.stderr
    weights = [load_file(places[name] / "model/model.safetensors") for name in ("whole", "parts")]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    wrong = seqtag("train", *begin, "model.hidden_size=17", f"hydra.run.dir={places['frozen']}")
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1
    assert "leave out model.hidden_size" in wrong.stderr
