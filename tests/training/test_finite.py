"""Losses, scores and weights that are not finite: training stops and no model is written."""

import json
import math
from types import SimpleNamespace

import pytest
import torch

from seqtag import Tagger
from seqtag.commands.probe import probe
from seqtag.commands.train import train
from seqtag.errors import InputError, RunStopped
from seqtag.training.finite import FirstNonFinite, first_non_finite, named_tensors

DIVERGING = (
    "optimizer.lr=1e20",
    "trainer.gradient_clip_val=null",
    "scheduler=constant",
    "scheduler.warmup=0",
)
SINGLE_PROCESS = SimpleNamespace(
    world_size=1, strategy=SimpleNamespace(root_device=torch.device("cpu"))
)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_nonfinite_step_is_recorded(value):
    first = FirstNonFinite()
    assert first.step(SINGLE_PROCESS) is None
    first.record(torch.tensor(1.0), 3)
    assert first.step(SINGLE_PROCESS) is None
    first.record(torch.tensor([1.0, value]), 4)
    first.record(torch.tensor(value), 5)
    first.record(torch.tensor(1.0), 6)
    assert first.step(SINGLE_PROCESS) == 4


def test_nonfinite_tensors_are_found_at_any_depth():
    nested = {"a": [torch.ones(2), {"b": torch.tensor([1.0, math.nan])}], "c": 1}
    assert first_non_finite(named_tensors(nested)) == "a.1.b"
    assert first_non_finite({"ids": torch.ones(2, dtype=torch.int64)}) is None


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["trainer.accumulate_grad_batches=2"],
        ["callbacks=ema", "model.decoder=softmax"],
        ["trainer.precision=bf16-mixed", "model.language_model=0.1"],
        ["trainer.precision=bf16-true", "optimizer=sgd", "optimizer.lr=1e20"],
        [
            "callbacks.early_stopping.monitor=train/loss",
            "callbacks.early_stopping.check_on_train_epoch_end=true",
            "trainer.enable_checkpointing=false",
        ],
        pytest.param(["trainer=ddp_sim"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_nonfinite_loss_stops_training(overrides, configure, tmp_path):
    with pytest.raises(RunStopped) as raised:
        train(configure(*DIVERGING, *overrides))
    message = str(raised.value)
    assert raised.value.exit_code == 1
    assert message.startswith("the loss of step 2 is not finite (learning rate 1e+20): ")
    for advice in ("optimizer.lr", "trainer.gradient_clip_val=1.0", "scheduler.warmup"):
        assert advice in message
    assert message.endswith("No checkpoint was written before this: start again")
    assert not (tmp_path / "run" / "model").exists()
    assert not list(tmp_path.rglob("*.ckpt"))
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert not record["finished"]
    assert "is not finite" in record["error"]


def test_the_last_finite_checkpoint_can_be_resumed_with_another_learning_rate(
    configure, tmp_path, caplog
):
    steps = ("trainer.max_steps=4", "callbacks.last.every_steps=1")
    with pytest.raises(RunStopped, match="the loss of step 2 is not finite") as raised:
        train(configure(*DIVERGING, *steps))
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    assert f"Checkpoints from before this: {last}; " in str(raised.value)
    assert "ckpt_path=last hydra.run.dir=" in str(raised.value)
    assert torch.load(last, weights_only=True)["global_step"] == 1

    good = ("trainer.max_steps=2", *steps[1:], "scheduler.warmup=0")
    train(configure(*good))
    caplog.set_level("INFO")
    train(configure(*good[1:], "trainer.max_steps=4", "optimizer.lr=0.001", "ckpt_path=last"))
    assert "the learning rate is now 0.001; it was 0.02" in caplog.messages
    group = torch.load(last, weights_only=True)["optimizer_states"][0]["param_groups"][0]
    assert group["lr"] < group["initial_lr"] == 0.001


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optimizer.lr=1e38"], "after step 1 the tensor network.* is not finite"),
        (
            ["optimizer=sgd", "optimizer.lr=1e38", "trainer.enable_checkpointing=false"],
            "after training the weights .* are not finite: no model is written",
        ),
    ],
)
def test_nonfinite_weights_are_not_saved(overrides, message, configure, tmp_path):
    with pytest.raises(RunStopped, match=message):
        train(configure(*DIVERGING, *overrides, "trainer.max_steps=1"))
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not (tmp_path / "run" / "model").exists()


def test_a_diverged_probe_run_is_not_judged(configure, tmp_path):
    short = ("probe.quick.train=64", "probe.quick.dev=16", "model.hidden_size=4")
    for regime in ((), ("regime=learn", "regime.lags=[5]", "regime.budget=500")):
        with pytest.raises(RunStopped, match=r"the loss of step \d is not finite"):
            probe(configure("size=quick", *short, *DIVERGING, *regime, verb="probe"))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"run.json", "metrics.csv"}


def test_a_tagger_with_nonfinite_weights_is_not_saved(configure, tmp_path):
    train(configure("trainer.max_epochs=1"))
    tagger = Tagger.load(tmp_path / "run" / "model")
    with torch.no_grad():
        tagger.network.projection.bias[0] = math.nan
    with pytest.raises(InputError, match=r"new: not written, .*'projection.bias' are not finite"):
        tagger.save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
