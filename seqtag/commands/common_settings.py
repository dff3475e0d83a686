"""What the settings of all verbs share: top-level keys, required keys, the identity of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from seqtag.checks import AtLeast, AtMost, FileName, Seed, Text, from_plain, full_key
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import encoder_name
from seqtag.sweeps.records import Identity
from seqtag.training.settings import Engine

T = TypeVar("T")
# A number of parameters of an encoder.
Parameters = Annotated[int, AtLeast(1), AtMost(10**12)]

# Keys that must be set in the configuration, although the dataclasses have defaults for them.
NEEDED = {
    "model": ("words", "subword_size", "hidden_size", "num_layers", "bidirectional"),
    "trainer": ("precision", "overfit_batches"),
}
# Keys that do not belong to the identity of a run: where it is, and which sweep started it.
_NOT_IDENTITY = ("paths", "study", "search")
# The groups of the verbs that train.
TRAINING = (
    *("data", "model", "cell", "optimizer", "scheduler", "trainer", "callbacks", "logger"),
    "paths",
)


@dataclass(frozen=True)
class Paths:
    """The group `paths`."""

    log_dir: FileName
    output_dir: FileName


@dataclass(frozen=True)
class TrainingKeys:
    """The top-level keys of the verbs that train, outside all groups."""

    seed: Seed
    study: FileName | int
    ckpt_path: FileName | None
    engine: Engine
    compile: bool
    metric: Text | None


def check_sized(model: TaggerConfig) -> None:
    """Raise an error if `parameters` is set and the encoder does not use the hidden size."""
    if not model.built_encoder.sized_by_hidden:
        name = encoder_name(model.encoder)
        raise InputError(
            f"parameters= chooses model.hidden_size, which the encoder {name!r} does not use"
        )


def identity(plain: Mapping[str, Any]) -> Identity:
    """Return the folder of a run, and its configuration in a form that runs are compared by.

    A run that resumes from its own last checkpoint remains the same run.
    """
    config = {key: value for key, value in plain.items() if key not in _NOT_IDENTITY}
    if config.get("ckpt_path") in ("last", "auto"):
        config["ckpt_path"] = None
    output = str(plain["paths"]["output_dir"])
    # The settings of callbacks and loggers contain the path of the run folder.
    return Identity(Path(output), _without(json.loads(json.dumps(config)), output))


def _without(value: Any, folder: str) -> Any:
    """Return JSON values with a folder replaced by "." in all strings."""
    if isinstance(value, dict):
        return {key: _without(inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, folder) for inner in value]
    return value.replace(folder, ".") if isinstance(value, str) else value


def parse_keys(kind: type[T], plain: Mapping[str, Any], groups: tuple[str, ...]) -> T:
    """Parse the top-level keys into the dataclass `kind`; check that all groups are present."""
    own = {key: value for key, value in plain.items() if key not in {*groups, "search"}}
    keys = from_plain(kind, own, "")
    for name in groups:
        if name not in plain:
            raise InputError(f"{name} is missing: choose an option of this group, {name}=OPTION")
    from_plain(Paths, plain["paths"], "paths")
    return keys


def require_keys(plain: Mapping[str, Any], needed: Mapping[str, tuple[str, ...]]) -> None:
    """Raise an error if a key of a group is missing, as after ``~GROUP.KEY``."""
    for name, keys in needed.items():
        for key in keys:
            if key not in plain[name]:
                raise InputError(f"{full_key(name, key)} is missing: remove ~{name}.{key}")
