"""A run that is killed and goes on comes to the same as one that never was, bit by bit."""

import json
import os
import random
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from seqtag.commands.train import train
from seqtag.training import fit as loop
from seqtag.training.resume.files import read_checkpoint
from seqtag.training.resume.state import random_states, restore_random_states

# Eight batches an epoch; all that is random by default is so here.
EPOCHS = ("trainer.max_epochs=2", "callbacks.last.every_steps=1")
STEPS = 16


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
    """Return a function that trains in a process of its own, and says whether it was killed.

    That is at a hook's call (from 0), when a file is to be renamed, or after so many seconds.
    """
    build, replace = loop.build_trainer, os.replace

    def with_kill(hook: str, count: int) -> None:
        kill = Kill(hook, count)

        def renamed(*args: Any) -> None:
            kill.count()
            replace(*args)

        def built(*args: Any) -> L.Trainer:
            trainer = build(*args)
            trainer.callbacks.append(kill)
            return trainer

        if hook == "replace":
            monkeypatch.setattr(os, "replace", renamed)
        else:
            monkeypatch.setattr(loop, "build_trainer", built)

    def run(config: dict, hook: str, when: float) -> bool:
        with warnings.catch_warnings():
            # Threads of libraries do not live on in the child, which does without them.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            try:
                if hook != "seconds":
                    with_kill(hook, int(when))
                train(config)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        end = time.monotonic() + (when if hook == "seconds" else 300)
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.02)
        assert ended[1] in (0, signal.SIGKILL)
        return ended[1] != 0

    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a function to the folder of a run that was never killed."""
    folders = {}

    def run(configure, *overrides: str) -> Path:
        if overrides not in folders:
            folders[overrides] = tmp_path_factory.mktemp("whole")
            train(configure(*overrides, output=folders[overrides]))
        return folders[overrides]

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
        # Its digest covers the folder's name too.
        checkpoint = read_checkpoint(folder / "checkpoints" / name)
        for path, value in leaves(checkpoint):
            # The score that was looked at last is kept for messages alone, and not restored.
            if not path.endswith(("dirpath", "current_score")):
                value = value.numpy().tobytes() if isinstance(value, torch.Tensor) else value
                left[f"{name}{path}"] = value
    return left


def differences(folder, other) -> list[str]:
    here, there = everything(folder), everything(other)
    return [key for key in here.keys() | there.keys() if here.get(key, "") != there.get(key, "")]


EMA = "callbacks=ema"
SUMMED = ("trainer.accumulate_grad_batches=3", "trainer.max_steps=5")


@pytest.mark.parametrize(
    ("hook", "when", "workers", "overrides"),
    [
        ("on_train_batch_start", 5, 0, [EMA]),
        ("replace", 21, 2, [EMA]),  # past the first epoch's end
        ("on_train_batch_start", 11, 0, SUMMED),
        ("on_train_batch_start", 5, 0, ["trainer.precision=64-true"]),
    ],
)
def test_killed_and_gone_on_is_never_killed(
    hook, when, workers, overrides, configure, killed, whole, tmp_path
):
    expected = whole(configure, *EPOCHS, *overrides)
    given = configure(*EPOCHS, *overrides, f"data.batch.workers={workers}")
    assert killed(given, hook, when)
    train(replace(given, training=replace(given.training, ckpt_path="last")))
    assert differences(expected, tmp_path / "run") == []


# The rate of a step is the same however many there are to be.
STEADY = ("scheduler=constant", "scheduler.warmup=0")
STREAM = (
    *("data.streaming=true", "data.stream.fit_sentences=30", "data.stream.buffer=20"),
    "data.stream.batches_per_epoch=8",
)


@pytest.mark.parametrize(
    ("ends", "overrides"),
    [
        # Before the first evaluation; there once more; at an epoch's end; behind another one.
        (["max_steps=5", "max_steps=5", "max_epochs=1", "max_epochs=2"], [EMA]),
        # Gradients are summed, and the last step is followed by an evaluation within the epoch.
        (
            ["max_steps=2", "max_steps=-1"],
            [*STREAM, *SUMMED[:1], "+trainer.val_check_interval=6"],
        ),
    ],
)
def test_a_run_that_had_ended_goes_on_to_a_later_end(ends, overrides, configure, whole, tmp_path):
    given = (*EPOCHS, *STEADY, *overrides)
    expected = whole(configure, *given)
    for end in ends:
        train(configure(*given, f"trainer.{end}", "ckpt_path=auto"))
    assert differences(expected, tmp_path / "run") == []


def test_the_best_stays_the_best_in_another_folder(configure, tmp_path):
    """With a learning rate of 0 the first epoch stays the best."""
    train(configure("optimizer.lr=0.0", "trainer.max_epochs=1", output="old"))
    (tmp_path / "old").rename(tmp_path / "new")
    figures = train(configure("optimizer.lr=0.0", "ckpt_path=last", output="new"))
    assert (figures["epochs"], figures["best_epoch"]) == (2, 1)


def test_early_stopping_stops_where_it_did(configure, killed):
    """Also if the process is killed when it has just been decided."""
    given = ("optimizer.lr=0.0", "callbacks.early_stopping.patience=1", "trainer.max_epochs=9")
    assert killed(configure(*given), "on_train_end", 0)
    assert train(configure(*given, "ckpt_path=last"))["epochs"] == 2


SELDOM = ("trainer.check_val_every_n_epoch=2",)
OFTEN = ("+trainer.val_check_interval=3",)
HOOKS = {
    "on_train_batch_start": STEPS,
    "on_train_batch_end": STEPS,
    "on_train_epoch_start": 2,
    "on_validation_start": 2,
    "replace": 2 * STEPS,
    "seconds": 5,
}


def pytest_generate_tests(metafunc):
    """Draw the random kills that ``--kills`` asks for."""
    if "kill" not in metafunc.fixturenames:
        return
    random = Random(0)
    kills = []
    for _ in range(metafunc.config.getoption("--kills")):
        hooks = random.choices(list(HOOKS), k=2)
        moments = [(hook, random.random() * HOOKS[hook]) for hook in hooks]
        overrides = random.choice([(), (EMA,), SUMMED, SELDOM, OFTEN])
        processes = random.choice([(), ("trainer=ddp_sim",)])
        kills.append((moments, random.choice([0, 2]), (*overrides, *processes)))
    metafunc.parametrize("kill", kills, ids=str)


def test_killed_anywhere(kill, configure, killed, whole, tmp_path):
    """With ``--kills 20``: twice at random, with and without workers, averages and processes.

    What was killed before its first checkpoint begins anew; what was not killed in time has ended.
    """
    moments, workers, overrides = kill
    expected = whole(configure, *EPOCHS, *overrides)
    given = configure(*EPOCHS, *overrides, f"data.batch.workers={workers}", "ckpt_path=auto")
    for hook, when in moments:
        killed(given, hook, when)
    train(given)
    assert differences(expected, tmp_path / "run") == []


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def draws(device):
    numbers = [random.gauss(0, 1), random.random(), *np.random.normal(size=3)]
    return [*numbers, *torch.rand(3).tolist(), *torch.rand(3, device=device).tolist()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("before", [0, 1, 700])
def test_draws_go_on(device, before, tmp_path):
    """Also behind one normal number of a pair, and behind all numbers of a state."""
    device = torch.device(device)
    for _ in range(before):
        draws(device)
    torch.save(random_states(device), tmp_path / "states")
    expected = [draws(device) for _ in range(3)]
    restore_random_states(torch.load(tmp_path / "states", weights_only=True), device)
    assert [draws(device) for _ in range(3)] == expected
