"""Trainer, optimizer and schedule: only what is on the lists is ever made."""

import os

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

HOSTILE = {"_target_": "os.system", "command": "exit 7"}


@pytest.fixture(autouse=True)
def nothing_is_run(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a configuration ran a command")

    monkeypatch.setattr(os, "system", refuse)


def parameters():
    return [torch.nn.Parameter(torch.zeros(2))]


def optimizer_of(part, precision="32-true"):
    return optimizer_factory(Target.from_plain(part, OPTIMIZERS, "optimizer"), precision)


def test_optimizer_and_schedule():
    adamw = {"_target_": "torch.optim.AdamW", "lr": 0.5, "betas": [0.8, 0.9], "fused": True}
    optimizer = optimizer_of(adamw)(parameters())
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (optimizer.defaults["lr"], optimizer.defaults["fused"]) == (0.5, True)
    linear = Target("seqtag.training.schedules.WarmupDecay", {"warmup": 0.0}, "scheduler")
    schedule = schedule_factory(linear, 2)(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.25]


def test_no_fused_optimizer_in_mixed_precision():
    adamw = {"_target_": "torch.optim.AdamW", "fused": True}
    optimizer = optimizer_of(adamw, "bf16-mixed")(parameters())
    assert not optimizer.defaults["fused"]


@pytest.mark.parametrize("group", ["optimizer", "scheduler", "callbacks", "logger"])
@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("os.system", {}),
        (None, {}),
        (["os.system"], {}),
        (
            "near",
            {
                "optimizer": ("torch.optim.AdamWW", "torch.optim.AdamW"),
                "scheduler": (
                    "seqtag.training.schedules.WarmupDecays",
                    "seqtag.training.schedules.WarmupDecay",
                ),
                "callbacks": (
                    "lightning.pytorch.callbacks.EarlyStoping",
                    "lightning.pytorch.callbacks.EarlyStopping",
                ),
                "logger": (
                    "seqtag.training.metrics_file.MetricFile",
                    "seqtag.training.metrics_file.MetricsFile",
                ),
            },
        ),
    ],
)
def test_a_target_that_is_not_listed_is_refused(group, target, nearest, compose_plain):
    target, real = nearest.get(group, (target, None))
    part = {"_target_": target, "command": "exit 7"}
    config = compose_plain()
    config[group] = part if group in ("optimizer", "scheduler") else {"extra": part}
    with pytest.raises(InputError, match="is not allowed") as raised:
        settings_of("train", config)
    assert str(raised.value).startswith(group)
    assert (f"(did you mean {real!r}?)" in str(raised.value)) == (real is not None)


def test_a_target_further_down_is_plain_data():
    # Hydra's own instantiation would have called it.
    with pytest.raises(InputError, match="optimizer"):
        optimizer_of({"_target_": "torch.optim.SGD", "lr": HOSTILE})


@pytest.mark.parametrize("key", ["_args_", "_partial_", "_recursive_"])
def test_hydras_special_keys_mean_nothing(key):
    with pytest.raises(InputError, match=f"optimizer: unknown key '{key}'"):
        optimizer_of({"_target_": "torch.optim.SGD", key: HOSTILE})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lrr": 1}, r"^optimizer: unknown key 'lrr' \(did you mean 'lr'\?\)$"),
        ({"lr": "fast"}, "^optimizer.lr must be a number of at least 0, not 'fast'"),
        ({"lr": -1.0}, "^optimizer.lr must be a number of at least 0, not -1.0$"),
    ],
)
def test_wrong_options(options, message):
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
def test_wrong_trainer_keys(key, value, message, compose_plain):
    config = compose_plain()
    config["trainer"][key] = value
    with pytest.raises(InputError, match=message):
        settings_of("train", config)


def test_a_logger_whose_package_is_missing(configure, monkeypatch):
    def missing(*args, **kwargs):
        raise ModuleNotFoundError("no wandb here")

    monkeypatch.setattr("lightning.pytorch.loggers.WandbLogger.__init__", missing)
    with pytest.raises(InputError, match=r"logger\.wandb: .*pip install 'seqtag\[wandb\]'"):
        build_trainer(configure("logger=wandb").training, has_dev=True)


def test_without_development_split_nothing_is_chosen_by_it(configure):
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
def test_total_steps(options, steps, tmp_path):
    assert total_steps(plain_trainer(tmp_path, **options), TenBatches()) == steps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_epochs": -1}, "there is no end"),
        ({"max_epochs": 1, "limit_train_batches": 0.01}, "none of the 10 batches"),
    ],
)
def test_no_steps_at_all_or_without_end(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        total_steps(plain_trainer(tmp_path, **options), TenBatches())


class TenBatches:
    def batches_per_epoch(self):
        return 10


def plain_trainer(folder, **options) -> L.Trainer:
    with quiet():
        return L.Trainer(accelerator="cpu", logger=False, default_root_dir=folder, **options)


@pytest.mark.parametrize("precision", ["transformer-engine", "8-true", 7, True])
def test_precisions_that_nothing_here_trains_at_are_refused(precision):
    with pytest.raises(InputError, match=r"is unknown.*one of 32-true, 64-true"):
        known_precision(precision)


def test_short_names_of_precisions():
    names = {32: "32-true", "64": "64-true", 16: "16-mixed", "bf16": "bf16-mixed"}
    assert {short: known_precision(short) for short in names} == names
