"""A run that is killed and goes on comes to the same as one that never was, bit by bit."""

import json
import os
import signal
import time
import warnings
from collections.abc import Iterator
from typing import Any

import lightning as L
import pytest
import torch

from seqtag.training import loop
from seqtag.training.loop import train

# Eight batches an epoch; all that is random by default is so here.
EPOCHS = ("trainer.max_epochs=3", "callbacks.last.every_steps=1")


class Kill(L.Callback):
    """Kills the process when the hook is called for the so manieth time (from 0)."""

    def __init__(self, hook: str, count: int) -> None:
        self.left = count
        setattr(self, hook, self.count)

    def count(self, *args: Any) -> None:
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


@pytest.fixture
def killed(monkeypatch):
    """Return a function that trains in a process of its own, which is killed at a hook's call."""
    build = loop.build_trainer

    def run(config: dict, hook: str, count: int) -> None:
        with warnings.catch_warnings():
            # Threads of libraries do not live on in the child, which does without them.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:

                def with_kill(*args: Any) -> L.Trainer:
                    trainer = build(*args)
                    trainer.callbacks.append(Kill(hook, count))
                    return trainer

                monkeypatch.setattr(loop, "build_trainer", with_kill)
                train(config)
            finally:
                os._exit(1)
        deadline = time.monotonic() + 60
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.02)
        assert ended[1] == signal.SIGKILL
        assert time.monotonic() < deadline

    return run


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of every primitive and tensor of a checkpoint."""
    if isinstance(value, (dict, list, tuple)):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from leaves(part, f"{path}/{os.path.basename(str(key))}")
    else:
        yield path, os.path.basename(value) if isinstance(value, str) else value


def everything(folder) -> dict[str, Any]:
    """Return all that a run leaves, but for times and the folder's name."""
    figures = json.loads((folder / "metrics.json").read_text())
    del figures["seconds"]
    for split in figures["splits"].values():
        del split["tokens_per_second"]
    left = {"figures": figures, "metrics": (folder / "metrics.csv").read_text()}
    left["model"] = (folder / "model" / "model.safetensors").read_bytes()
    for name in ("best.ckpt", "last.ckpt"):
        checkpoint = torch.load(folder / "checkpoints" / name, weights_only=True)
        for path, value in leaves(checkpoint):
            # The score that was looked at last is kept for messages alone, and not restored.
            if not path.endswith(("dirpath", "current_score")):
                value = value.numpy().tobytes() if isinstance(value, torch.Tensor) else value
                left[f"{name}{path}"] = value
    return left


def differences(folder, other) -> list[str]:
    here, there = everything(folder), everything(other)
    return [key for key in here.keys() | there.keys() if here.get(key, "") != there.get(key, "")]


@pytest.mark.parametrize(
    ("overrides", "kills"),
    [
        (
            ["callbacks=ema"],
            [
                ("on_train_batch_start", 11, 0),
                ("on_train_batch_start", 21, 2),
                ("on_train_epoch_start", 2, 0),
            ],
        ),
        (
            ["trainer.accumulate_grad_batches=3", "trainer.max_steps=7"],
            [("on_train_batch_start", 10, 0), ("on_validation_start", 1, 0)],
        ),
    ],
    ids=["average", "steps that sum up"],
)
def test_killed_and_gone_on_is_never_killed(overrides, kills, configure, killed, tmp_path):
    train(configure(*EPOCHS, *overrides, output="whole"))
    for hook, count, workers in kills:
        output = f"{hook}{count}"
        given = (*EPOCHS, *overrides, f"data.batch.workers={workers}")
        killed(configure(*given, output=output), hook, count)
        train(configure(*given, "ckpt_path=last", output=output))
        assert differences(tmp_path / "whole", tmp_path / output) == [], (hook, count, workers)
