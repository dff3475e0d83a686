"""A killed and resumed run gives exactly the results of an uninterrupted run."""

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
from seqtag.training import fit as fit_module
from seqtag.training.resume.files import read_checkpoint
from seqtag.training.resume.state import random_states, restore_random_states

# Eight batches an epoch, with all the randomness of the defaults.
EPOCHS = ("trainer.max_epochs=2", "callbacks.last.every_steps=1")
STEPS = 16


class Kill(L.Callback):
    """Kills the process when the hook is called for the N-th time (from 0)."""

    def __init__(self, hook: str, count: int) -> None:
        self.left = count
        setattr(self, hook, self.count)

    def count(self, *args: Any) -> None:
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


@pytest.fixture
def train_killed(monkeypatch):
    """Return a function that trains in a child process, and returns whether it was killed.

    The child is killed at the N-th call of a hook or of `os.replace` (from 0), or after N seconds.
    """
    build, replace = fit_module.build_trainer, os.replace

    def install_kill(hook: str, count: int) -> None:
        kill = Kill(hook, count)

        def replace_or_die(*args: Any) -> None:
            kill.count()
            replace(*args)

        def build_with_kill(*args: Any) -> L.Trainer:
            trainer = build(*args)
            trainer.callbacks.append(kill)
            return trainer

        if hook == "replace":
            monkeypatch.setattr(os, "replace", replace_or_die)
        else:
            monkeypatch.setattr(fit_module, "build_trainer", build_with_kill)

    def run(config: dict, hook: str, when: float) -> bool:
        with warnings.catch_warnings():
            # Threads of libraries do not exist in the child, which does not need them.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            try:
                if hook != "seconds":
                    install_kill(hook, int(when))
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
def uninterrupted(tmp_path_factory):
    """Return a function that returns the folder of an uninterrupted run with given overrides."""
    folders = {}

    def run(configure, *overrides: str) -> Path:
        if overrides not in folders:
            folders[overrides] = tmp_path_factory.mktemp("uninterrupted")
            train(configure(*overrides, output=folders[overrides]))
        return folders[overrides]

    return run


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of every primitive and tensor of a checkpoint."""
    if isinstance(value, (dict, list, tuple)):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from flattened(part, f"{path}/{os.path.basename(str(key))}")
    else:
        yield path, os.path.basename(value) if isinstance(value, str) else value


def results(folder) -> dict[str, Any]:
    """Return all results of a run, except for times and the name of the folder."""
    summary = json.loads((folder / "metrics.json").read_text())
    del summary["seconds"]
    for split in summary["splits"].values():
        del split["tokens_per_second"]
    content = {"summary": summary, "metrics": (folder / "metrics.csv").read_text()}
    content["model"] = (folder / "model" / "model.safetensors").read_bytes()
    for name in ("best.ckpt", "last.ckpt"):
        # Compared part by part: its digest includes the name of the folder.
        checkpoint = read_checkpoint(folder / "checkpoints" / name)
        for path, value in flattened(checkpoint):
            # `current_score` is used only in messages, and is not restored.
            if not path.endswith(("dirpath", "current_score")):
                value = value.numpy().tobytes() if isinstance(value, torch.Tensor) else value
                content[f"{name}{path}"] = value
    return content


def differences(folder, other) -> list[str]:
    first, second = results(folder), results(other)
    keys = first.keys() | second.keys()
    return [key for key in keys if first.get(key, "") != second.get(key, "")]


EMA = "callbacks=ema"
ACCUMULATED = ("trainer.accumulate_grad_batches=3", "trainer.max_steps=5")


@pytest.mark.parametrize(
    ("hook", "when", "workers", "overrides"),
    [
        ("on_train_batch_start", 5, 0, [EMA]),
        ("replace", 21, 2, [EMA]),  # after the first epoch
        ("on_train_batch_start", 11, 0, ACCUMULATED),
        ("on_train_batch_start", 5, 0, ["trainer.precision=64-true"]),
        ("on_train_batch_start", 11, 0, ["metric=loss"]),
    ],
)
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    hook, when, workers, overrides, configure, train_killed, uninterrupted, tmp_path
):
    expected = uninterrupted(configure, *EPOCHS, *overrides)
    settings = configure(*EPOCHS, *overrides, f"data.batch.workers={workers}")
    assert train_killed(settings, hook, when)
    train(replace(settings, training=replace(settings.training, ckpt_path="last")))
    assert differences(expected, tmp_path / "run") == []


# The learning rate of a step does not depend on the number of steps.
CONSTANT_RATE = ("scheduler=constant", "scheduler.warmup=0")
STREAM = (
    *("data.streaming=true", "data.stream.fit_sentences=30", "data.stream.buffer=20"),
    "data.stream.batches_per_epoch=8",
)


@pytest.mark.parametrize(
    ("ends", "overrides"),
    [
        # Before the first evaluation; the same again; after the first epoch; after the second.
        (["max_steps=5", "max_steps=5", "max_epochs=1", "max_epochs=2"], [EMA]),
        # With accumulated gradients, and an evaluation within the epoch after the last step.
        (
            ["max_steps=2", "max_steps=-1"],
            [*STREAM, *ACCUMULATED[:1], "+trainer.val_check_interval=6"],
        ),
    ],
)
def test_a_completed_run_can_be_extended(ends, overrides, configure, uninterrupted, tmp_path):
    options = (*EPOCHS, *CONSTANT_RATE, *overrides)
    expected = uninterrupted(configure, *options)
    for end in ends:
        train(configure(*options, f"trainer.{end}", "ckpt_path=auto"))
    assert differences(expected, tmp_path / "run") == []


def test_the_best_epoch_remains_known_in_a_moved_folder(configure, tmp_path):
    """With a learning rate of 0 the first epoch remains the best one."""
    train(configure("optimizer.lr=0.0", "trainer.max_epochs=1", output="old"))
    (tmp_path / "old").rename(tmp_path / "new")
    metrics = train(configure("optimizer.lr=0.0", "ckpt_path=last", output="new"))
    assert (metrics["epochs"], metrics["best_epoch"]) == (2, 1)


def test_early_stopping_still_stops_after_a_resume(configure, train_killed):
    """The process is killed right after the decision to stop."""
    options = ("optimizer.lr=0.0", "callbacks.early_stopping.patience=1", "trainer.max_epochs=9")
    assert train_killed(configure(*options), "on_train_end", 0)
    assert train(configure(*options, "ckpt_path=last"))["epochs"] == 2


RARE_EVALUATION = ("trainer.check_val_every_n_epoch=2",)
FREQUENT_EVALUATION = ("+trainer.val_check_interval=3",)
HOOKS = {
    "on_train_batch_start": STEPS,
    "on_train_batch_end": STEPS,
    "on_train_epoch_start": 2,
    "on_validation_start": 2,
    "replace": 2 * STEPS,
    "seconds": 5,
}


def pytest_generate_tests(metafunc):
    """Draw as many random kills as ``--kills`` requires."""
    if "kill" not in metafunc.fixturenames:
        return
    random = Random(0)
    kills = []
    for _ in range(metafunc.config.getoption("--kills")):
        hooks = random.choices(list(HOOKS), k=2)
        moments = [(hook, random.random() * HOOKS[hook]) for hook in hooks]
        overrides = random.choice([(), (EMA,), ACCUMULATED, RARE_EVALUATION, FREQUENT_EVALUATION])
        processes = random.choice([(), ("trainer=ddp_sim",)])
        kills.append((moments, random.choice([0, 2]), (*overrides, *processes)))
    metafunc.parametrize("kill", kills, ids=str)


def test_killed_anywhere(kill, configure, train_killed, uninterrupted, tmp_path):
    """Kill a run twice at random moments, with and without workers, averages and processes.

    ``--kills 20`` does this for 20 runs. A run killed before its first checkpoint starts again; a
    run that ends before it is killed is complete.
    """
    moments, workers, overrides = kill
    expected = uninterrupted(configure, *EPOCHS, *overrides)
    settings = configure(*EPOCHS, *overrides, f"data.batch.workers={workers}", "ckpt_path=auto")
    for hook, when in moments:
        train_killed(settings, hook, when)
    train(settings)
    assert differences(expected, tmp_path / "run") == []


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def draws(device):
    numbers = [random.gauss(0, 1), random.random(), *np.random.normal(size=3)]
    return [*numbers, *torch.rand(3).tolist(), *torch.rand(3, device=device).tolist()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("before", [0, 1, 700])
def test_random_states_are_restored(device, before, tmp_path):
    """Also after one of a pair of normal numbers, and after all numbers of a state are used."""
    device = torch.device(device)
    for _ in range(before):
        draws(device)
    torch.save(random_states(device), tmp_path / "states")
    expected = [draws(device) for _ in range(3)]
    restore_random_states(torch.load(tmp_path / "states", weights_only=True), device)
    assert [draws(device) for _ in range(3)] == expected
