"""Building the trainer, optimizer and schedule, and the classes that a configuration names."""

import os
import re

import lightning as L
import pytest
import torch

from seqtag.commands.settings import settings_of
from seqtag.errors import InputError
from seqtag.training.console import quiet
from seqtag.training.targets import OPTIMIZERS, Target
from seqtag.training.trainer import (
    build_trainer,
    known_precision,
    optimizer_factory,
    schedule_factory,
    total_steps,
)

MALICIOUS = {"_target_": "os.system", "command": "exit 7"}
SCHEDULE = "seqtag.training.schedules.WarmupDecay"
STOPPING = "lightning.pytorch.callbacks.EarlyStopping"
METRICS = "seqtag.training.metrics_file.MetricsFile"


@pytest.fixture(autouse=True)
def no_command_runs(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a configuration ran a command")

    monkeypatch.setattr(os, "system", refuse)


def parameters():
    return [torch.nn.Parameter(torch.zeros(2))]


def optimizer_of(part, precision="32-true"):
    return optimizer_factory(Target.from_plain(part, OPTIMIZERS, "optimizer"), precision)


def test_optimizer_and_schedule_get_their_options():
    adamw = {"_target_": "torch.optim.AdamW", "lr": 0.5, "betas": [0.8, 0.9], "fused": True}
    optimizer = optimizer_of(adamw)(parameters())
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (optimizer.defaults["lr"], optimizer.defaults["fused"]) == (0.5, True)
    linear = Target("seqtag.training.schedules.WarmupDecay", {"warmup": 0.0}, "scheduler")
    schedule = schedule_factory(linear, 2)(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.25]


def test_mixed_precision_disables_the_fused_optimizer():
    adamw = {"_target_": "torch.optim.AdamW", "fused": True}
    optimizer = optimizer_of(adamw, "bf16-mixed")(parameters())
    assert not optimizer.defaults["fused"]


GROUPS = ("optimizer", "scheduler", "callbacks", "logger")


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (None, "must be the full name of a class"),
        (["os.system"], "must be the full name of a class"),
        ("AdamW", "must be the full name of a class"),
        ("..os.system", "must be the full name of a class"),
        ("os.system", "_target_ os.system is not a class derived from"),
        ("subprocess.Popen", "_target_ subprocess.Popen is not a class derived from"),
        ("torch.optim.Optimiser", r"torch.optim has no 'Optimiser' \(did you mean 'Optimizer'"),
        ("no_such_package.Lion", "there is no module no_such_package; is its package installed"),
        ("torch.optim.adamww.AdamW", "there is no module torch.optim.adamww"),
        ("os.path.join.x", "there is no module os.path.join"),
    ],
)
def test_a_target_that_is_not_such_a_class_is_refused(group, target, message, compose_plain):
    part = {"_target_": target, "command": "exit 7"}
    with pytest.raises(InputError, match=f"^{group}.*{message}"):
        build_part(group, part, compose_plain)


@pytest.mark.parametrize(
    ("group", "target", "nearest"),
    [
        ("optimizer", "torch.optims.AdamW", "torch.optim.AdamW"),
        ("scheduler", "seqtag.trainin.schedules.WarmupDecay", SCHEDULE),
        ("callbacks", "lightning.pytorch.callback.EarlyStopping", STOPPING),
        ("logger", "seqtag.training.metricsfile.MetricsFile", METRICS),
    ],
)
def test_the_nearest_known_class_is_suggested(group, target, nearest, compose_plain):
    with pytest.raises(InputError, match=re.escape(f"(did you mean {nearest!r}?)")):
        build_part(group, {"_target_": target}, compose_plain)


def build_part(group, part, compose_plain):
    """Build the object or trainer from one part of a configuration group."""
    plain = compose_plain()
    plain[group] = part if group in ("optimizer", "scheduler") else {"extra": part}
    training = settings_of("train", plain).training
    if group == "optimizer":
        return optimizer_factory(training.optimizer, "32-true")(parameters())
    if group == "scheduler":
        return schedule_factory(training.scheduler, 3)(torch.optim.SGD(parameters()))
    with quiet():
        return build_trainer(training, has_dev=True)


def test_other_classes_accept_the_options_of_their_constructor(compose_plain):
    rmsprop = {"_target_": "torch.optim.RMSprop", "lr": 0.5, "momentum": 0.25}
    optimizer = build_part("optimizer", rmsprop, compose_plain)
    assert isinstance(optimizer, torch.optim.RMSprop)
    assert optimizer.defaults["momentum"] == 0.25
    # `total_steps` is passed to schedules that accept it.
    cycle = {"_target_": "torch.optim.lr_scheduler.OneCycleLR", "max_lr": 0.5}
    assert build_part("scheduler", cycle, compose_plain).total_steps == 3
    step = {"_target_": "torch.optim.lr_scheduler.StepLR", "step_size": 2}
    assert build_part("scheduler", step, compose_plain).step_size == 2
    timer = build_part(
        "callbacks", {"_target_": "lightning.pytorch.callbacks.Timer"}, compose_plain
    )
    assert any(isinstance(one, L.pytorch.callbacks.Timer) for one in timer.callbacks)


@pytest.mark.parametrize(
    ("group", "part", "message"),
    [
        ("optimizer", {"momentun": 0.1}, r"unknown key 'momentun' \(did you mean 'momentum'\?\)"),
        ("optimizer", {"params": []}, "unknown key 'params'"),
        ("optimizer", {"_partial_": True}, "unknown key '_partial_'"),
        ("optimizer", {"lr": -1}, "Invalid learning rate"),
        ("scheduler", {}, "key 'step_size' is missing"),
        ("scheduler", {"step_size": 1, "total_steps": 5}, "unknown key 'total_steps'"),
    ],
)
def test_unknown_and_missing_options_are_refused(group, part, message, compose_plain):
    classes = {"optimizer": "torch.optim.RMSprop", "scheduler": "torch.optim.lr_scheduler.StepLR"}
    with pytest.raises(InputError, match=f"^{group}: {message}"):
        build_part(group, {"_target_": classes[group], **part}, compose_plain)


def test_a_nested_target_is_plain_data():
    # Hydra's own `instantiate` would call it.
    with pytest.raises(InputError, match="optimizer"):
        optimizer_of({"_target_": "torch.optim.SGD", "lr": MALICIOUS})


@pytest.mark.parametrize("key", ["_args_", "_partial_", "_recursive_"])
def test_special_keys_of_hydra_are_unknown_keys(key):
    with pytest.raises(InputError, match=f"optimizer: unknown key '{key}'"):
        optimizer_of({"_target_": "torch.optim.SGD", key: MALICIOUS})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lrr": 1}, r"^optimizer: unknown key 'lrr' \(did you mean 'lr'\?\)$"),
        ({"lr": "fast"}, "^optimizer.lr must be a number of at least 0, not 'fast'"),
        ({"lr": -1.0}, "^optimizer.lr must be a number of at least 0, not -1.0$"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        optimizer_of({"_target_": "torch.optim.AdamW", **options})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("max_epochs", "abc", "trainer.max_epochs must be a whole number of at least -1 or"),
        ("max_steps", 1.5, "trainer.max_steps must be a whole number"),
        ("precision", "33-true", "trainer.precision must be one of 32-true"),
        ("max_epoch", 3, r"trainer: unknown key 'max_epoch' \(did you mean 'max_epochs'\?\)"),
        ("callbacks", [], "trainer: 'callbacks' is not set here"),
        ("profiler", "simpel", r"trainer.profiler must be .*'simpel' \(did you mean 'simple'\?\)"),
        ("accelerator", "quantum", "trainer.accelerator must be one of auto, cpu"),
        ("strategy", "dpp", r"trainer.strategy must be .*'dpp' \(did you mean 'ddp'\?\)"),
    ],
)
def test_invalid_trainer_keys_are_refused(key, value, message, compose_plain):
    config = compose_plain()
    config["trainer"][key] = value
    with pytest.raises(InputError, match=message):
        settings_of("train", config)


def test_a_logger_whose_package_is_missing_is_reported(configure, monkeypatch):
    def missing(*args, **kwargs):
        raise ModuleNotFoundError("no wandb here")

    monkeypatch.setattr("lightning.pytorch.loggers.WandbLogger.__init__", missing)
    with pytest.raises(InputError, match=r"logger\.wandb: .*pip install 'seqtag\[wandb\]'"):
        build_trainer(configure("logger=wandb").training, has_dev=True)


def test_without_a_development_split_the_last_weights_are_saved(configure):
    with quiet():
        trainer = build_trainer(configure().training, has_dev=False)
    assert trainer.checkpoint_callback.monitor is None
    assert trainer.early_stopping_callback is None


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"max_epochs": 3}, 30),
        ({"max_epochs": 3, "max_steps": 7}, 7),
        ({"max_epochs": 3, "accumulate_grad_batches": 4}, 9),
        ({"max_epochs": 3, "limit_train_batches": 4}, 12),
        ({"max_epochs": 3, "limit_train_batches": 0.25}, 6),
        ({"max_epochs": -1, "max_steps": 50}, 50),
        ({"max_epochs": 0}, 1),
    ],
)
def test_the_number_of_steps(options, steps, tmp_path):
    assert total_steps(plain_trainer(tmp_path, **options), TenBatches()) == steps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_epochs": -1}, "training would never end"),
        ({"max_epochs": 1, "limit_train_batches": 0.01}, "selects 0 of the 10 batches"),
    ],
)
def test_no_steps_and_unlimited_steps_are_refused(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        total_steps(plain_trainer(tmp_path, **options), TenBatches())


class TenBatches:
    def batches_per_epoch(self):
        return 10


def plain_trainer(folder, **options) -> L.Trainer:
    with quiet():
        return L.Trainer(accelerator="cpu", logger=False, default_root_dir=folder, **options)


@pytest.mark.parametrize("precision", ["transformer-engine", "8-true", 7, True])
def test_unknown_precisions_are_refused(precision):
    with pytest.raises(InputError, match=r"unknown trainer.precision .*known: 32-true, 64-true"):
        known_precision(precision)


def test_short_names_of_precisions_are_expanded():
    names = {32: "32-true", "64": "64-true", 16: "16-mixed", "bf16": "bf16-mixed"}
    assert {short: known_precision(short) for short in names} == names
