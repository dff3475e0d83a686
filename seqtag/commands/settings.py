"""The configuration of a verb, checked whole before anything is loaded or written.

Nothing that needs torch, Lightning or datasets is imported, so that a sweep checks all its jobs
before it starts one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from seqtag.cells import CELLS, build_cell
from seqtag.checks import (
    AtLeast,
    AtMost,
    FileName,
    Seed,
    Text,
    checked,
    checked_values,
    from_plain,
    full_key,
    shown,
)
from seqtag.data.config import FORMATS, CorpusConfig, check_encoding
from seqtag.data.options import BatchConfig, EncodeConfig
from seqtag.errors import InputError, unknown
from seqtag.metrics.registry import SCORES
from seqtag.model.config import TaggerConfig
from seqtag.probes.config import LearnConfig, ProbeConfig, ProbeCorpusConfig, ReachConfig
from seqtag.sweeps.search import SearchConfig
from seqtag.training.targets import CALLBACKS, LOGGERS, OPTIMIZERS, SCHEDULES, target_options
from seqtag.training.trainer_options import check_trainer

# The names of the engines, and what they are: `recurrent.engines`.
_Engine = Literal["auto", "cpu", "torch", "scan", "loop", "reference"]
_Scheme = Literal["auto", "plain", "bio", "bioes"]
# Keys that the program reads although their part has a default for them.
_NEEDED = {
    "model": ("words", "subword_size", "hidden_size", "num_layers", "bidirectional"),
    "trainer": ("precision", "overfit_batches"),
    "data": ("train", "seed", "lag"),
}


@dataclass(frozen=True)
class Paths:
    """The group `paths`."""

    log_dir: FileName
    output_dir: FileName


@dataclass(frozen=True)
class TrainKeys:
    """The keys of `seqtag train` that stand in no group."""

    seed: Seed
    study: FileName | int
    ckpt_path: FileName | None
    engine: _Engine
    compile: bool
    metric: Text | None


@dataclass(frozen=True)
class EvaluateKeys:
    """The keys of `seqtag evaluate` that stand in no group."""

    model_dir: FileName
    split: Literal["train", "dev", "test"]
    engine: _Engine
    metric: Text | None


@dataclass(frozen=True)
class CheckKeys:
    """The keys of `seqtag check` that stand in no group."""

    vectors: FileName | None = None


@dataclass(frozen=True)
class ProbeKeys(TrainKeys):
    """The keys of `seqtag probe` that stand in no group."""

    size: Literal["quick", "full"]
    model_dir: FileName | None
    suite: Literal["blimp", "marvin_linzen", "syntaxgym", "gap", "winogender", "winobias"] | None
    suite_path: FileName | None
    inspect: Literal["gradients"] | None
    inspect_lag: Annotated[int, AtLeast(1), AtMost(1_000_000)]
    parameters: Annotated[int, AtLeast(1), AtMost(10**12)] | None
    allow_bidirectional: bool


def check_settings(verb: str, plain: Mapping[str, Any]) -> None:
    """Check every key of the configuration of a verb by its type and range.

    Raises:
        InputError: naming the key as it is written on the command line, what it must be, and what
            it is.
    """
    keys, groups = _VERBS[verb]
    own = {key: value for key, value in plain.items() if key not in {*groups, "search"}}
    from_plain(keys, own, "")
    for name, check in groups.items():
        if name not in plain:
            raise InputError(f"{name} is missing: choose an option of that group, {name}=OPTION")
        check(plain[name])
    if plain.get("search") is not None:
        from_plain(SearchConfig, plain["search"], "search")
    for group, names in _NEEDED.items():
        for key in names if group in groups else ():
            if key not in plain[group] and not (group == "data" and verb != "probe"):
                raise InputError(f"{full_key(group, key)} is missing: leave out ~{group}.{key}")
    if plain.get("metric") is not None:
        SCORES[plain["metric"]]  # raises for one that is not registered
    if "regime" in groups and plain["regime"]["name"] == "learn":
        _check_learn(plain)


def _check_learn(plain: Mapping[str, Any]) -> None:
    if plain["callbacks"].get("early_stopping") is None:
        raise InputError("callbacks.early_stopping ends training under regime=learn: keep it")
    if plain["metric"] not in (None, "accuracy"):
        raise InputError("metric: under regime=learn a lag is solved by accuracy: leave it out")


_Check = Callable[[Any], Any]


def _group(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a group of keys, not {shown(value)}")
    return dict(value)


def _check_data(data: Any) -> None:
    """Check the group `data` of a verb that needs all of it."""
    rest = _group(data, "data")
    if "format" not in rest:
        raise InputError("data.format is missing: name a corpus with data=OPTION")
    checked(rest["format"], Literal["probe", *FORMATS], "data.format")
    for name, kind in (("batch", BatchConfig), ("encode", EncodeConfig)):
        if name not in rest:
            raise InputError(f"data.{name} is missing")
        from_plain(kind, rest.pop(name), f"data.{name}")
    if "tag_scheme" not in rest:
        raise InputError("data.tag_scheme is missing")
    checked(rest.pop("tag_scheme"), _Scheme, "data.tag_scheme")
    if rest.get("format") == "probe":
        del rest["format"]
        from_plain(ProbeCorpusConfig, rest, "data")
    else:
        from_plain(CorpusConfig, rest, "data")


def _check_given_data(data: Any) -> None:
    """Check the group `data` of `evaluate`: what it lacks, the tagger's folder says."""
    rest = _group(data, "data")
    if rest.get("path", "") is None:
        del rest["path"]
    if "format" in rest:
        _check_data(rest)
        return
    for name, kind in (("batch", BatchConfig), ("encode", EncodeConfig), ("tag_scheme", None)):
        if name in rest and kind is not None:
            from_plain(kind, rest.pop(name), f"data.{name}")
        elif name in rest:
            checked(rest.pop(name), _Scheme, f"data.{name}")
    if isinstance(encoding := rest.get("encoding"), str):
        check_encoding(encoding)
    kind = CorpusConfig if "probe" not in rest else ProbeCorpusConfig
    checked_values(kind, rest, "data", whole=False)


def _check_targets(group: str, targets: Mapping[str, type]) -> _Check:
    """Return a function that checks a group of named parts, each of which may be null."""

    def check(parts: Any) -> None:
        for name, part in _group(parts, group).items():
            if part is not None:
                target_options(part, targets, full_key(group, str(name)))

    return check


def _check_regime(regime: Any) -> None:
    known = {"reach": ReachConfig, "learn": LearnConfig}
    name = _group(regime, "regime").get("name")
    checked(name, Literal[tuple(known)], "regime.name")
    from_plain(known[name], regime, "regime")


def _check_cell(cell: Any) -> None:
    fields = _group(cell, "cell")
    if "name" in fields and fields["name"] not in CELLS:
        raise unknown("cell.name", fields["name"], CELLS.names())
    build_cell(fields)


def _is(cls: type, name: str) -> _Check:
    """Return a function that checks a group that is the plain values of a dataclass."""
    return lambda group: from_plain(cls, group, name)


_PATHS: dict[str, _Check] = {"paths": _is(Paths, "paths")}
_TRAINING: dict[str, _Check] = {
    "data": _check_data,
    "model": _is(TaggerConfig, "model"),
    "cell": _check_cell,
    "optimizer": lambda part: target_options(part, OPTIMIZERS, "optimizer"),
    "scheduler": lambda part: target_options(part, SCHEDULES, "scheduler"),
    "trainer": check_trainer,
    "callbacks": _check_targets("callbacks", CALLBACKS),
    "logger": _check_targets("logger", LOGGERS),
    **_PATHS,
}
# By verb: the keys that stand in no group, and the check of each group.
_VERBS: dict[str, tuple[type, dict[str, _Check]]] = {
    "train": (TrainKeys, _TRAINING),
    "evaluate": (EvaluateKeys, {"data": _check_given_data, **_PATHS}),
    "check": (CheckKeys, {"data": _check_data, **_PATHS}),
    "probe": (
        ProbeKeys,
        {**_TRAINING, "probe": _is(ProbeConfig, "probe"), "regime": _check_regime},
    ),
}
