"""Every key of every verb: any value is accepted and works, or is refused with the key's name."""

import dataclasses
import inspect
import json
import math
import random
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import product
from typing import get_args, get_type_hints

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from seqtag.commands.common_settings import identity
from seqtag.commands.help import config_dir
from seqtag.commands.probe_settings import ProbeKeys
from seqtag.commands.settings import settings_of
from seqtag.commands.train import train
from seqtag.errors import InputError, RunStopped
from seqtag.recurrent.engines.registry import ENGINES
from seqtag.suites.registry import SUITES
from seqtag.training import targets
from seqtag.training.console import quiet
from seqtag.training.schedules import WarmupDecay
from seqtag.training.settings import Engine, TrainingSettings
from seqtag.training.targets import Target
from seqtag.training.trainer import optimizer_factory, schedule_factory
from seqtag.training.trainer_options import TrainerOptions

COMPOSED = {
    "train": ("train", "callbacks=ema"),
    "column": (
        *("train", "data=column", "data.path=x", "optimizer=sgd"),
        *("search=tpe", "logger=tensorboard"),
    ),
    "hub": ("train", "data=hub", "data.path=x", "logger=wandb", "cell=janet"),
    "evaluate": ("evaluate", "model_dir=x"),
    "evaluate on": ("evaluate", "model_dir=x", "data=conllu", "data.path=x"),
    "check": ("check",),
    "probe": ("probe", "logger=mlflow"),
    "learn": ("probe", "regime=learn"),
}
REMOVED = object()
WRONG = [
    *(None, True, False, 5, -1, 0, 1, 2**32, 1e9, 1e300, math.nan, math.inf, -0.5, 0.5),
    *("", "x", "null", "auto", "a\nb", "数据\0", "x" * 5000),
    *([], [1], ["x"], [None], [[[]]], {}, {"a": "b"}, {1: 2}),
    *(10**5000, 10**400, 2**70, REMOVED),
]


@cache
def composed(name: str) -> dict:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        verb, *overrides = COMPOSED[name]
        config = compose(verb, [*overrides, "paths.output_dir=out"])
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def keys(value, above=()):
    """Yield the path of each key, including groups."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield (*above, key)
        yield from keys(inner, (*above, key))


@cache
def all_keys() -> list[tuple[str, tuple[str, ...]]]:
    return [(name, path) for name in COMPOSED for path in keys(composed(name))]


def changed(config: dict, path: tuple[str, ...], value) -> dict:
    """Return a copy of a configuration with one key changed; other values are shared."""
    key, *below = path
    if below:
        return {**config, key: changed(config[key], tuple(below), value)}
    return {name: old for name, old in config.items() if name != key} | (
        {} if value is REMOVED else {key: value}
    )


def error_message(name: str, path: tuple[str, ...], value) -> str | None:
    """Return the error message for a value, or None if it is accepted."""
    try:
        settings_of(COMPOSED[name][0], changed(composed(name), path, value))
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", COMPOSED)
def test_all_configurations_of_the_program_are_accepted(name):
    settings_of(COMPOSED[name][0], composed(name))


@pytest.mark.fuzz("settings")
@given(st.data())
def test_any_value_of_any_key_is_accepted_or_refused_with_its_key(data):
    name, path = data.draw(st.builds(lambda n: all_keys()[n % len(all_keys())], st.integers(0)))
    value = data.draw(
        st.integers(0, len(WRONG) - 1).map(lambda number: WRONG[number]) | st.floats() | st.text()
    )
    message = error_message(name, path, value)
    assert message is None or path[-1] in message, (path, message)
    assert message is None or "\n" not in message


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("train", "seed", -1, "seed must be a whole number from 0 to 4,294,967,295, not -1"),
        ("train", "compile", "x", "compile must be true or false, not 'x'"),
        (
            "train",
            "engine",
            "x",
            "engine must be one of auto, cpu, torch, triton, scan, loop, chunked, reference",
        ),
        (
            "train",
            "ckpt_path",
            5,
            "ckpt_path must be a path or null, not 5; for text, write '\"5\"'",
        ),
        ("train", "study", None, "study must be a path or a whole number, not None"),
        (
            "column",
            "data.path",
            5,
            "data.path must be a path or null, not 5; for text, write '\"5\"'",
        ),
        ("column", "data.path", "", "data.path must be a path or null, not ''"),
        (
            "column",
            "data.path",
            ["a", "b"],
            "for several files set data.files.train=[a,b] or a glob",
        ),
        ("column", "data.columns", None, "data.columns must be a list"),
        ("column", "data.columns", [1], "data.columns[0] must be text that is not empty, not 1"),
        ("column", "data.files", "x", "data.files must be a group of keys or null, not 'x'"),
        ("column", "data.files.train", 5, "data.files.train must be a path or a list"),
        ("column", "data.encoding", 5, "data.encoding must be text, not 5"),
        ("column", "data.encoding", "idna", "data.encoding='idna' is not a text encoding"),
        ("column", "data.encoding", "unicode_escape", "is not an encoding for lines of text"),
        ("column", "data.dev_fraction", "x", "data.dev_fraction must be a number of at least 0"),
        ("column", "data.stream.buffer", 0, "data.stream.buffer must be a whole number"),
        ("train", "data.batch", None, "data.batch must be a group of keys, not None"),
        ("train", "data.batch.tokens", 1e9, "data.batch.tokens must be a whole number of at least"),
        ("train", "data.batch", REMOVED, "data.batch is missing"),
        ("train", "data", REMOVED, "data is missing: choose an option of this group, data=OPTION"),
        ("train", "data", None, "data must be a group of keys, not None"),
        ("train", "data.train", 10**12, "data.train must be a whole number from 1 to 10,000,000"),
        ("train", "data.probe", "pronuon", "data: unknown probe 'pronuon' (did you mean"),
        ("train", "model", REMOVED, "model is missing"),
        ("train", "model.hidden_size", 1e9, "model.hidden_size must be a whole number from 1 to"),
        ("train", "model.hidden_size", 10**9, "from 1 to 1,048,576, not 1000000000"),
        ("train", "model.num_layers", 10**6, "model.num_layers must be a whole number from 1 to"),
        ("column", "model.characters.encoder", "x", "model.characters: unknown encoder 'x'"),
        ("train", "cell", REMOVED, "cell is missing"),
        ("train", "cell.peepholes", 5, "cell 'lstm': peepholes must be a list"),
        ("train", "cell.forget_bias", "x", "forget_bias must be a finite number, not 'x'"),
        ("train", "cell.forget_bias", 1e39, "forget_bias must be a finite number"),
        ("train", "cell.chrono", 1, "chrono must be 0 (off) or the longest span"),
        ("train", "cell.chrono", 1.5, "chrono must be a whole number, not 1.5"),
        ("train", "optimizer.lr", math.nan, "optimizer.lr must be a number of at least 0, not nan"),
        ("train", "optimizer.lr", math.inf, "optimizer.lr must be a number of at least 0, not inf"),
        ("train", "optimizer.lr", -1, "optimizer.lr must be a number of at least 0, not -1"),
        ("train", "optimizer.lr", True, "optimizer.lr must be a number of at least 0, not True"),
        ("train", "optimizer.betas", [0.9], "optimizer.betas must be a list of 2, not [0.9]"),
        ("train", "optimizer.betas", [0.9, 1], "optimizer.betas[1] must be a number of at least 0"),
        ("column", "optimizer.momentum", -1, "optimizer.momentum must be a number of at least 0"),
        ("column", "optimizer.momentum", 0, "optimizer: nesterov=true needs a momentum above 0"),
        ("train", "scheduler", REMOVED, "scheduler is missing"),
        ("train", "scheduler.warmup", 1, "scheduler.warmup must be a number of at least 0 and"),
        ("train", "scheduler.total_steps", 5, "scheduler: unknown key 'total_steps'"),
        ("train", "trainer", REMOVED, "trainer is missing"),
        (
            "train",
            "trainer.max_epochs",
            -5,
            "trainer.max_epochs must be a whole number of at least",
        ),
        ("train", "trainer.accumulate_grad_batches", 0, "must be a whole number of at least 1"),
        ("train", "trainer.check_val_every_n_epoch", 0, "a whole number of at least 1 or null"),
        ("train", "trainer.overfit_batches", "x", "trainer.overfit_batches must be a whole number"),
        ("train", "trainer.overfit_batches", 1.5, "or a number from 0 to 1, not 1.5"),
        ("train", "trainer.gradient_clip_val", -1, "a number of at least 0 or null, not -1"),
        ("train", "trainer.precision", "33", "trainer.precision must be one of 32-true"),
        ("train", "trainer.devices", 0, "trainer.devices must be one of auto, -1 or a whole"),
        ("train", "trainer.logger", True, "trainer: 'logger' is not set here, but in its own"),
        ("train", "trainer.max_epoch", 3, "unknown key 'max_epoch' (did you mean 'max_epochs'?)"),
        ("train", "callbacks", REMOVED, "callbacks is missing"),
        ("train", "callbacks.checkpoint", 5, "callbacks.checkpoint must be a group of keys"),
        ("train", "callbacks.checkpoint", {}, "must be the full name of a class, such"),
        ("train", "callbacks.checkpoint.filename", "{", "callbacks.checkpoint.filename must be a"),
        ("train", "callbacks.checkpoint.filename", "last", "other than last and previous"),
        (
            "train",
            "callbacks.early_stopping.patience",
            "x",
            "patience must be a whole number of at",
        ),
        ("train", "callbacks.average.decay", 1, "callbacks.average.decay must be a number above 0"),
        (
            "train",
            "callbacks.early_stopping.monitor",
            "train/loss",
            "check_on_train_epoch_end=true",
        ),
        ("train", "callbacks.early_stopping.monitor", "x", "monitor must be one of dev/metric"),
        ("train", "callbacks.last.every_steps", 0.5, "callbacks.last.every_steps must be a whole"),
        ("train", "logger", REMOVED, "logger is missing"),
        ("train", "paths", REMOVED, "paths is missing"),
        ("train", "paths.output_dir", None, "paths.output_dir must be a path, not None"),
        ("column", "search.trials", "x", "search.trials must be a whole number from 1 to"),
        ("evaluate", "split", "tset", "not 'tset' (did you mean 'test'?)"),
        ("evaluate", "data.batch", 5, "data.batch must be a group of keys, not 5"),
        ("evaluate", "data.encoding", "hex", "data.encoding='hex' is not a text encoding"),
        ("probe", "size", "x", "size must be one of quick, full, not 'x'"),
        ("probe", "suite", "x", "suite must be one of blimp"),
        ("probe", "inspect", "x", "inspect must be gradients or null, not 'x'"),
        ("probe", "inspect_lag", "x", "inspect_lag must be a whole number from 1 to"),
        *(
            (verb, "parameters", "x", "parameters must be a whole number from 1 to")
            for verb in ("probe", "train")
        ),
        ("probe", "model_dir", 5, "model_dir must be a path or null, not 5"),
        ("probe", "probe.grid", "x", "probe.grid must be a group of keys or null, not 'x'"),
        ("probe", "probe.grid", {"distance": "x"}, "probe.grid.distance must be a list"),
        ("probe", "model.bidirectional", REMOVED, "model.bidirectional is missing"),
        ("learn", "regime.lags", ["x"], "regime.lags[0] must be a whole number"),
        ("learn", "regime.lags", [20, 10], "regime: lags must be in ascending order"),
        ("learn", "callbacks.early_stopping", None, "callbacks.early_stopping is required by"),
    ],
)
def test_wrong_values_are_refused(name, key, value, message):
    assert message in (error_message(name, tuple(key.split(".")), value) or "accepted")


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        *(("train", key, None) for key in ("model.words", "callbacks.last", "logger.csv")),
        *(("column", "data.encoding", value) for value in ("latin-1", "utf-16", "cp1252", "sjis")),
        *(("train", "trainer.limit_train_batches", value) for value in (0, 5, 0.5, 1.0, None)),
        *(("train", "trainer.devices", value) for value in ("auto", -1, 2, [0, 1], "0,1")),
        *(("train", "trainer.max_time", value) for value in ("00:12:00:00", {"hours": 12})),
        ("train", "study", 5),
        ("train", "optimizer.lr", 1),
        ("train", "optimizer.fused", None),
        ("train", "callbacks.checkpoint.filename", "{epoch}-{dev/metric:.3f}"),
        (
            "train",
            "callbacks.more",
            {"_target_": "lightning.pytorch.callbacks.LearningRateMonitor"},
        ),
        ("column", "data.files.train", ["a", "b"]),
        ("evaluate", "data.encoding", "utf-8"),
        ("probe", "probe.grid", {"distance": [5, 50]}),
    ],
)
def test_correct_values_are_accepted(name, key, value):
    assert error_message(name, tuple(key.split(".")), value) is None


TARGETS = {**targets.OPTIMIZERS, **targets.SCHEDULES, **targets.CALLBACKS, **targets.LOGGERS}


def takes(target: str):
    module, _, name = target.rpartition(".")
    return inspect.signature(getattr(import_module(module), name)).parameters


@pytest.mark.parametrize("target", TARGETS)
def test_declared_options_are_those_of_the_class(target):
    described = {field.name for field in dataclasses.fields(TARGETS[target])}
    known = takes(target)
    open_ended = any(one.kind is one.VAR_KEYWORD for one in known.values())
    assert open_ended or described <= known.keys()
    required = {
        name
        for name, one in known.items()
        if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
    }
    assert required - {"params", "optimizer", "total_steps"} <= described


def test_trainer_options_are_those_of_lightning():
    described = {field.name for field in dataclasses.fields(TrainerOptions)}
    apart = {"callbacks", "logger", "plugins", "default_root_dir", "use_distributed_sampler"}
    assert described == set(inspect.signature(L.Trainer).parameters) - apart


def test_literal_names_equal_the_registered_ones():
    assert set(get_args(Engine)) == {"auto", *ENGINES}
    suites, _ = get_args(get_type_hints(ProbeKeys)["suite"])
    assert set(get_args(suites)) == SUITES.keys()


@pytest.mark.parametrize("target", targets.OPTIMIZERS)
def test_an_accepted_optimizer_can_make_a_step(target):
    names = [field.name for field in dataclasses.fields(TARGETS[target])]
    for name, value in product(names, (value for value in WRONG if value is not REMOVED)):
        part = {"_target_": target, name: value}
        weight = torch.nn.Parameter(torch.ones(3))
        try:
            described = Target.from_plain(part, targets.OPTIMIZERS, "optimizer")
        except InputError:
            continue
        optimizer = optimizer_factory(described, "32-true")([weight])
        linear = Target("seqtag.training.schedules.WarmupDecay", {}, "scheduler")
        assert isinstance(schedule_factory(linear, 3)(optimizer), WarmupDecay)
        weight.sum().backward()
        optimizer.step()


def test_identity_of_a_run_does_not_depend_on_its_folder(compose_plain):
    def run(*overrides, **place):
        return identity(compose_plain(*overrides, **place))

    here, there = run(), run(output="there")
    assert here.folder != there.folder
    assert here.config == there.config
    assert run("seed=2").config != here.config
    assert run("ckpt_path=last").config == run("search=tpe").config == here.config
    assert run("ckpt_path=other.ckpt").config != here.config


def test_followers_parse_what_the_leader_sends(configure):
    for verb, *overrides in (("train", "logger=tensorboard", "optimizer=sgd"), ("probe",)):
        training = configure(*overrides, verb=verb).training
        sent = json.loads(json.dumps(training.to_plain()))
        again = TrainingSettings.from_plain(sent)
        assert replace(again, data=replace(again.data, description=training.data.description)) == (
            training
        )


SLOW_VALUES = [value for value in WRONG if value is not REMOVED and value != "x" * 5000]
# Valid values for keys that accept none of the wrong ones.
VALID_VALUES = {
    "trainer.precision": ["64-true", "bf16-true", "bf16-mixed"],
    "trainer.max_epochs": [0, 1, 2],
    "trainer.profiler": ["simple", "advanced"],
    "callbacks.checkpoint.monitor": ["dev/f1", "train/loss"],
    "callbacks.checkpoint.filename": ["a/b", "{epoch}", "{nope}"],
    "callbacks.early_stopping.monitor": ["dev/f1", "train/loss"],
    "data.encoding": ["latin-1", "cp037", "utf-16", "utf-7"],
    "data.scheme": ["bio", "iob1", "bioes", "plain"],
    "data.tag_scheme": ["bio", "bioes", "plain"],
    "model.decoder": ["crf", "softmax"],
    "cell.peepholes": [["i"], ["i", "f", "o"]],
    "cell.input_gate": ["none", "coupled"],
    "engine": ["torch", "loop", "reference"],
    "scheduler.decay": ["cosine", "constant"],
}
# Keys that start processes, compile for minutes, or say where output goes.
EXCLUDED_KEYS = (
    "streaming",
    "devices",
    "num_nodes",
    "strategy",
    "workers",
    "processes",
    "compile",
    "study",
    "paths",
)


def plausible(value, choose: random.Random):
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return choose.choice([0, 1, 2, value + 1])
    if isinstance(value, float):
        return choose.choice([0.0, 0.5, 1.0, value / 2])
    return value


def value_at(config: dict, path: tuple[str, ...]):
    for key in path:
        config = config[key]
    return config


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_accepted_settings_train_or_are_refused(seed, compose_plain, tmp_path):
    """Train with two or three random values at once, if they are accepted."""
    choose = random.Random(seed)
    base = compose_plain("trainer.max_epochs=1", "model.hidden_size=8", "trainer.accelerator=cpu")
    paths = [path for path in keys(base) if not set(path) & set(EXCLUDED_KEYS)]
    trained = 0
    for number in range(150):
        config = base
        for path in choose.sample(paths, choose.randint(2, 3)):
            name = ".".join(path)
            meant = VALID_VALUES.get(name) or [plausible(value_at(base, path), choose)]
            value = choose.choice(meant if choose.random() < 0.8 else SLOW_VALUES)
            # An earlier change may have replaced the group by a value.
            with suppress(KeyError, TypeError, AttributeError):
                config = changed(config, path, value)
        folder = json.dumps(str(tmp_path / str(number)))[1:-1]
        with suppress(ValueError):  # a number of thousands of digits, which is refused below
            text = json.dumps(config).replace(base["paths"]["output_dir"], folder)
            config = json.loads(text)
        with quiet(), suppress(InputError, RunStopped):
            train(settings_of("train", config))
            trained += 1
    assert trained >= 20
