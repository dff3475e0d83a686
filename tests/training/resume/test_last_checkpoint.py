"""When the newest checkpoint is written, and what stops a run."""

import os
import signal
from types import SimpleNamespace

import lightning as L
import pytest
import torch

from seqtag.commands.train import train
from seqtag.errors import InputError, RunStopped
from seqtag.training import fit as loop
from seqtag.training.resume import last_checkpoint
from seqtag.training.resume.files import CheckpointFiles
from seqtag.training.resume.last_checkpoint import LastCheckpoint


class At(L.Callback):
    """Does something when the hook is called for the so manieth time (from 0)."""

    def __init__(self, hook: str, count: int, deed) -> None:
        self.left, self.deed = count, deed
        setattr(self, hook, self.called)

    def called(self, *args) -> None:
        if not self.left:
            self.deed()
        self.left -= 1


@pytest.fixture
def do_at(monkeypatch):
    """Return a function that has something done at a hook's call in the trainings that follow."""
    build = loop.build_trainer

    def put(hook, count, deed):
        def with_deed(*args):
            trainer = build(*args)
            trainer.callbacks.append(At(hook, count, deed))
            return trainer

        monkeypatch.setattr(loop, "build_trainer", with_deed)

    return put


@pytest.fixture
def steps(monkeypatch):
    """Return the list of the steps after which last.ckpt is written from now on."""
    written = []
    save = CheckpointFiles.save_checkpoint

    def noted(self, checkpoint, path, storage_options=None):
        if os.path.basename(path) == "last.ckpt":
            written.append(checkpoint["global_step"])
        save(self, checkpoint, path, storage_options)

    monkeypatch.setattr(CheckpointFiles, "save_checkpoint", noted)
    return written


def send(number):
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "hook", "count", "step"),
    [
        (signal.SIGTERM, "on_train_batch_start", 10, 11),
        # An evaluation follows: the run ends behind it, and the epoch.
        (signal.SIGTERM, "on_train_batch_start", 7, 8),
        (signal.SIGUSR1, "on_fit_start", 0, 1),
    ],
)
def test_a_signal_stops_a_run_when_the_step_is_done(
    number, hook, count, step, configure, do_at, steps, tmp_path
):
    before = signal.getsignal(number)
    do_at(hook, count, send(number))
    with pytest.raises(RunStopped, match=f"{number.name} after step {step};") as raised:
        train(configure())
    assert raised.value.exit_code == 75
    assert steps[-1] == step
    assert signal.getsignal(number) is before
    assert not (tmp_path / "run" / "model").exists()


def test_without_checkpoints_the_exit_code_is_the_signals(configure, do_at):
    do_at("on_train_batch_start", 3, send(signal.SIGTERM))
    with pytest.raises(RunStopped, match="SIGTERM; there is no checkpoint") as raised:
        train(configure("trainer.enable_checkpointing=false"))
    assert raised.value.exit_code == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["every_minutes=null", "every_steps=3"], [3, 6, 8]),
        (["every_minutes=0.3"], [3, 6, 8]),
    ],
)
def test_times(overrides, expected, configure, steps, monkeypatch):
    """A clock that moves on by six seconds whenever it is looked at."""
    seconds = iter(range(0, 10_000, 6))
    monkeypatch.setattr(last_checkpoint, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    train(configure("trainer.max_epochs=1", *(f"callbacks.last.{o}" for o in overrides)))
    assert steps == expected


def test_no_step_is_split(configure, steps):
    """Gradients that are still summed up are in no checkpoint."""
    summed = ("trainer.accumulate_grad_batches=3", "trainer.max_epochs=1")
    train(configure(*summed, "callbacks.last.every_steps=1"))
    # Eight batches are three steps, and the one with the last batch waits for the epoch's end.
    assert steps == [1, 2, 3]


def test_nothing_is_written_in_a_run_for_trial(configure, steps):
    train(configure("trainer.fast_dev_run=true"))
    assert steps == []


@pytest.mark.parametrize("option", ["every_minutes", "every_steps"])
@pytest.mark.parametrize("value", [0, -1, True])
def test_refuses(option, value):
    with pytest.raises(InputError, match=rf"callbacks\.last\.{option} must be above 0 or null"):
        LastCheckpoint("checkpoints", **{option: value})


def test_a_disk_that_is_full_ends_the_run_and_leaves_the_checkpoints(
    configure, do_at, monkeypatch, tmp_path
):
    def full(*args):
        raise OSError(28, "No space left on device")

    # The file system may tell as late as when it is asked to confirm.
    do_at("on_validation_end", 1, lambda: monkeypatch.setattr(os, "fsync", full))
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        train(configure())
    monkeypatch.undo()
    folder = tmp_path / "run" / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "last.ckpt"]
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 8


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_worker_that_is_killed(configure, do_at, tmp_path):
    from multiprocessing import active_children

    do_at("on_train_batch_start", 10, lambda: active_children()[0].kill())
    with pytest.raises(RunStopped, match=r"prepares batches died.*ckpt_path=last") as raised:
        train(configure("data.batch.workers=2", "trainer.max_epochs=50"))
    assert raised.value.exit_code == 1
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] >= 8
