"""Fixtures: a tiny corpus of entities, and configurations as the command line composes them."""

import random
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from seqtag.commands.help import config_dir
from seqtag.commands.settings import Settings, settings_of

NAMES, PLACES = ("Ada", "Bob", "Eve", "Max", "Ida"), ("Paris", "Rome", "Oslo")
# Settings with which a training takes a second.
SMALL = (
    "model.words.size=16",
    "model.characters.filters=4",
    "model.characters.size=8",
    "model.hidden_size=16",
    "data.batch.sentences=8",
    "optimizer.lr=0.02",
    "trainer.max_epochs=2",
)


def sentences(count: int, seed: int = 0) -> str:
    """Return a column file of sentences: tokens, parts of speech, labels of persons and places."""
    choose = random.Random(seed).choice
    lines = []
    for _ in range(count):
        name, place = choose(NAMES), choose(PLACES)
        if choose((True, False)):
            lines += [f"{name} N B-PER", "lives V O", "in P O", f"{place} N B-LOC", ". . O", ""]
        else:
            lines += ["Dr N O", f"{name} N B-PER", "Smith N I-PER", "left V O", f"{place} N B-LOC"]
            lines += [". . O", ""]
    return "\n".join(lines)


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Return a folder with a train, dev and test file."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for seed, (split, count) in enumerate({"train": 60, "dev": 20, "test": 20}.items()):
        (folder / f"{split}.txt").write_text(sentences(count, seed), encoding="utf-8")
    return folder


@pytest.fixture
def small(corpus) -> tuple[str, ...]:
    """Return overrides with which `seqtag train` trains on `corpus` in a second."""
    own = ("data=column", f"data.path={corpus}", "data.columns=[tokens,pos,labels]")
    return (*own, *SMALL)


@cache
def options_composed(verb: str, *overrides: str) -> DictConfig:
    """Return the configuration for some options of groups; cached, since it takes half a second."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose(verb, list(overrides))


@cache
def composed(verb: str, *overrides: str) -> Any:
    """Return a configuration as plain values.

    Hydra sets keys last. So does this, so that tests with the same groups share a composition.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    groups = [one for one in parsed if (config_dir() / one.key_or_group).is_dir()]
    config = deepcopy(options_composed(verb, *(one.input_line for one in groups)))
    ConfigLoaderImpl._apply_overrides_to_config([o for o in parsed if o not in groups], config)
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def filled(value: Any, places: dict[str, Path]) -> Any:
    """Return a copy of plain values in which the names in `places` are replaced by paths."""
    if isinstance(value, dict):
        return {key: filled(part, places) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, places) for part in value]
    for name, path in places.items() if isinstance(value, str) else ():
        value = value.replace(name, str(path))
    return value


@pytest.fixture
def compose_plain(small, corpus, tmp_path):
    """Return a function that composes the configuration of `seqtag VERB` as plain values."""

    def composed_plain(*overrides: str, verb: str = "train", output: str = "run") -> dict:
        own = [word.replace(str(corpus), "CORPUS") for word in small] if verb == "train" else []
        config = composed(verb, *own, *overrides, "paths.output_dir=OUTPUT")
        return filled(config, {"CORPUS": corpus, "OUTPUT": tmp_path / output})

    return composed_plain


@pytest.fixture
def configure(compose_plain):
    """Return a function that returns the settings of `seqtag VERB` for some overrides."""

    def configured(*overrides: str, verb: str = "train", output: str = "run") -> Settings:
        return settings_of(verb, compose_plain(*overrides, verb=verb, output=output))

    return configured


@pytest.fixture(scope="session")
def make_sentences():
    """Return `sentences`."""
    return sentences


@pytest.fixture(scope="session")
def compose_filled():
    """Return a function that returns the settings of a verb; names in `places` become paths."""

    def settings_for(verb: str, *overrides: str, **places: Path) -> Settings:
        own = ("data=column", "data.path=CORPUS", "data.columns=[tokens,pos,labels]", *SMALL)
        config = composed(verb, *(own if verb == "train" else ()), *overrides)
        return settings_of(verb, filled(config, places))

    return settings_for


@pytest.fixture(scope="session")
def resumable(tmp_path_factory):
    """Return the content of a checkpoint after three steps, and its `ExpectedCheckpoint`."""
    from seqtag.commands.train import train
    from seqtag.training import run as running
    from seqtag.training.resume.files import read_checkpoint

    folder = tmp_path_factory.mktemp("resumable")
    (folder / "train.txt").write_text(sentences(60), encoding="utf-8")
    columns = ("data=column", "data.path=CORPUS", "data.columns=[tokens,pos,labels]")
    short = ("trainer.max_steps=3", "callbacks.last.every_steps=3", "callbacks.progress.bar=false")
    config = composed("train", *columns, *SMALL, *short, "paths.output_dir=OUTPUT")
    expected = []
    with pytest.MonkeyPatch.context() as patch:
        original = running.expected_checkpoint

        def recorded(*parts):
            expected.append(original(*parts))
            return expected[0]

        patch.setattr(running, "expected_checkpoint", recorded)
        places = {"CORPUS": folder, "OUTPUT": folder / "run"}
        train(settings_of("train", filled(config, places)))
    return read_checkpoint(folder / "run" / "checkpoints" / "last.ckpt"), expected[0]
