"""Training on a GPU: precisions, resuming, distributed over NCCL, and the model on a CPU."""

import os
import subprocess
import sys

import pytest
import torch
from shared.gpu import DEVICE, ON_GPU

from seqtag import Tagger
from seqtag.commands.evaluate import evaluate
from seqtag.commands.train import train
from seqtag.training.resume.files import read_checkpoint

pytestmark = pytest.mark.gpu
TRAINER = "trainer=gpu" if ON_GPU else "trainer=cpu"
SENTENCES = [["Dr", "Ada", "Smith", "left", "Rome", "."], ["Bob", "lives", "in", "Oslo", "."]]


@pytest.mark.parametrize("cell", ["lstm", "lstm_peephole", "gru_reset_before", "mingru"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_training(cell, precision, configure, tmp_path):
    if precision == "16-mixed" and not ON_GPU:
        pytest.skip("float16 is for GPUs")
    options = (TRAINER, f"trainer.precision={precision}", f"cell={cell}", "trainer.max_epochs=6")
    metrics = train(configure(*options))
    assert metrics["splits"]["test"]["f1"] > 0.9, "these sentences are easy to learn"


def test_a_model_is_the_same_on_a_cpu(configure, tmp_path):
    train(configure(TRAINER, "cell=lstm_peephole", "trainer.max_epochs=4"))
    folder = tmp_path / "run" / "model"
    taggers = [Tagger.load(folder, device=device) for device in ("cpu", DEVICE)]
    here, there = (tagger.predict(SENTENCES) for tagger in taggers)
    assert here == there
    evaluated = (f"model_dir={folder}", "data.path=CORPUS")
    metrics = evaluate(configure(*evaluated, verb="evaluate"))
    assert metrics["f1"] > 0.9


@pytest.mark.parametrize("cell", ["lstm", "lstm_peephole"])
def test_a_resumed_run_equals_an_uninterrupted_one(cell, configure, tmp_path):
    """To rounding: torch's own kernels may add gradients in any order."""
    # A schedule that does not depend on the number of steps.
    options = (TRAINER, f"cell={cell}", "scheduler=constant", "scheduler.warmup=0")
    options += ("callbacks.last.every_steps=1",)
    train(configure(*options, "trainer.max_epochs=2", output="whole"))
    train(configure(*options, "trainer.max_epochs=2", "trainer.max_steps=5", output="parts"))
    train(configure(*options, "trainer.max_epochs=2", "ckpt_path=last", output="parts"))
    whole, parts = (
        read_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt")
        for name in ("whole", "parts")
    )
    assert whole["global_step"] == parts["global_step"] == 16
    for name, value in whole["state_dict"].items():
        torch.testing.assert_close(value, parts["state_dict"][name], rtol=1e-3, atol=1e-4)


def test_distributed_training_with_one_device(small, tmp_path):
    """Over NCCL, which logs its version when it is started."""
    command = (sys.executable, "-m", "seqtag.cli", "train", *small, "trainer=ddp")
    own = ("trainer.devices=1", f"trainer.accelerator={'gpu' if ON_GPU else 'cpu'}")
    done = subprocess.run(
        [*command, *own, "cell=lstm_peephole", f"hydra.run.dir={tmp_path / 'run'}"],
        env={**os.environ, "NCCL_DEBUG": "VERSION", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert not ON_GPU or "NCCL version" in done.stdout + done.stderr
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
