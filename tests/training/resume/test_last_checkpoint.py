"""When last.ckpt is written, and what stops a run."""

import os
import signal
from types import SimpleNamespace

import lightning as L
import pytest
import torch

from seqtag.commands.train import train
from seqtag.errors import InputError, RunStopped
from seqtag.training import fit as fit_module
from seqtag.training.resume import last_checkpoint
from seqtag.training.resume.files import CheckpointFiles
from seqtag.training.resume.last_checkpoint import LastCheckpoint


class ActAtCall(L.Callback):
    """Calls `action` when the hook is called for the N-th time (from 0)."""

    def __init__(self, hook: str, count: int, action) -> None:
        self.left, self.action = count, action
        setattr(self, hook, self.called)

    def called(self, *args) -> None:
        if not self.left:
            self.action()
        self.left -= 1


@pytest.fixture
def act_at_call(monkeypatch):
    """Return a function that makes later trainings call `action` at the N-th call of a hook."""
    build = fit_module.build_trainer

    def install(hook, count, action):
        def build_with_action(*args):
            trainer = build(*args)
            trainer.callbacks.append(ActAtCall(hook, count, action))
            return trainer

        monkeypatch.setattr(fit_module, "build_trainer", build_with_action)

    return install


@pytest.fixture
def saved_steps(monkeypatch):
    """Return a list that collects the steps after which last.ckpt is written."""
    steps = []
    save = CheckpointFiles.save_checkpoint

    def recording_save(self, checkpoint, path, storage_options=None):
        if os.path.basename(path) == "last.ckpt":
            steps.append(checkpoint["global_step"])
        save(self, checkpoint, path, storage_options)

    monkeypatch.setattr(CheckpointFiles, "save_checkpoint", recording_save)
    return steps


def send(number):
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "hook", "count", "step"),
    [
        (signal.SIGTERM, "on_train_batch_start", 10, 11),
        # An evaluation follows: the run stops after it, at the end of the epoch.
        (signal.SIGTERM, "on_train_batch_start", 7, 8),
        (signal.SIGUSR1, "on_fit_start", 0, 1),
    ],
)
def test_a_signal_stops_a_run_after_the_step(
    number, hook, count, step, configure, act_at_call, saved_steps, tmp_path
):
    before = signal.getsignal(number)
    act_at_call(hook, count, send(number))
    with pytest.raises(RunStopped, match=f"{number.name} after step {step};") as raised:
        train(configure())
    assert raised.value.exit_code == 75
    assert saved_steps[-1] == step
    assert signal.getsignal(number) is before
    assert not (tmp_path / "run" / "model").exists()


def test_without_checkpoints_the_exit_code_is_that_of_the_signal(configure, act_at_call):
    act_at_call("on_train_batch_start", 3, send(signal.SIGTERM))
    with pytest.raises(RunStopped, match="SIGTERM; no checkpoint was written") as raised:
        train(configure("trainer.enable_checkpointing=false"))
    assert raised.value.exit_code == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["every_minutes=null", "every_steps=3"], [3, 6, 8]),
        (["every_minutes=0.3"], [3, 6, 8]),
    ],
)
def test_the_intervals_between_checkpoints(
    overrides, expected, configure, saved_steps, monkeypatch
):
    """The clock advances by six seconds whenever it is read."""
    seconds = iter(range(0, 10_000, 6))
    monkeypatch.setattr(last_checkpoint, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    train(configure("trainer.max_epochs=1", *(f"callbacks.last.{o}" for o in overrides)))
    assert saved_steps == expected


def test_no_checkpoint_is_written_during_gradient_accumulation(configure, saved_steps):
    accumulated = ("trainer.accumulate_grad_batches=3", "trainer.max_epochs=1")
    train(configure(*accumulated, "callbacks.last.every_steps=1"))
    # Eight batches are three steps; the checkpoint of the last one is that of the epoch's end.
    assert saved_steps == [1, 2, 3]


def test_a_fast_dev_run_writes_no_checkpoint(configure, saved_steps):
    train(configure("trainer.fast_dev_run=true"))
    assert saved_steps == []


@pytest.mark.parametrize("option", ["every_minutes", "every_steps"])
@pytest.mark.parametrize("value", [0, -1, True])
def test_invalid_intervals_are_refused(option, value):
    with pytest.raises(InputError, match=rf"callbacks\.last\.{option} must be above 0 or null"):
        LastCheckpoint("checkpoints", **{option: value})


def test_a_full_disk_ends_the_run_and_leaves_earlier_checkpoints(
    configure, act_at_call, monkeypatch, tmp_path
):
    def full(*args):
        raise OSError(28, "No space left on device")

    # The file system may report the error only when the file is flushed.
    act_at_call("on_validation_end", 1, lambda: monkeypatch.setattr(os, "fsync", full))
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        train(configure())
    monkeypatch.undo()
    folder = tmp_path / "run" / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "last.ckpt"]
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 8


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_killed_data_loader_worker_stops_the_run(configure, act_at_call, tmp_path):
    from multiprocessing import active_children

    act_at_call("on_train_batch_start", 10, lambda: active_children()[0].kill())
    with pytest.raises(
        RunStopped, match=r"worker process of the data loader died.*ckpt_path=last"
    ) as raised:
        train(configure("data.batch.workers=2", "trainer.max_epochs=50"))
    assert raised.value.exit_code == 1
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] >= 8
