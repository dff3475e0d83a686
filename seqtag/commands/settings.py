"""The settings of each verb: parsed once from the composed configuration, frozen, checked whole.

Nothing that needs torch, Lightning or datasets is imported, so that a sweep checks all its jobs
before it starts one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

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
)
from seqtag.data.config import BatchConfig, CorpusConfig, check_encoding
from seqtag.errors import InputError
from seqtag.inputs import INPUTS
from seqtag.inputs.options import EncodeConfig
from seqtag.metrics.registry import SCORES
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import encoder_name
from seqtag.probes.base import Probe
from seqtag.probes.config import LearnConfig, ProbeConfig, ProbeCorpusConfig, ReachConfig
from seqtag.probes.registry import make_probe
from seqtag.sweeps.records import Identity
from seqtag.sweeps.search import SearchConfig
from seqtag.training.settings import DataSettings, Engine, Scheme, TrainingSettings, require_group

T = TypeVar("T")

# Keys that the program reads although their part has a default for them.
_NEEDED = {
    "model": ("words", "subword_size", "hidden_size", "num_layers", "bidirectional"),
    "trainer": ("precision", "overfit_batches"),
}
_NEEDED_OF_A_PROBE = {**_NEEDED, "data": ("train", "seed", "lag")}
# Where a run is, and what asked for it, does not change what it is.
_PLACE = ("paths", "study", "search")
_TRAINING = (
    *("data", "model", "cell", "optimizer", "scheduler", "trainer", "callbacks", "logger"),
    "paths",
)


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
    engine: Engine
    compile: bool
    metric: Text | None


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


@dataclass(frozen=True)
class EvaluateKeys:
    """The keys of `seqtag evaluate` that stand in no group."""

    model_dir: FileName
    split: Literal["train", "dev", "test"]
    engine: Engine
    metric: Text | None


@dataclass(frozen=True)
class CheckKeys:
    """The keys of `seqtag check` that stand in no group."""

    vectors: FileName | None = None


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `seqtag train`.

    Attributes:
        training: of the training.
        identity: which run it is.
    """

    training: TrainingSettings
    identity: Identity

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrainSettings:
        """Parse the composed configuration."""
        _keys(TrainKeys, plain, _TRAINING)
        training = TrainingSettings.from_plain(plain)
        _require(plain, _NEEDED)
        return cls(training, identity(plain))


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of `seqtag evaluate`.

    Attributes:
        keys: those that stand in no group.
        data: the group `data`, with what the user gave: a tagger's folder completes it.
        identity: which run it is.
    """

    keys: EvaluateKeys
    data: Mapping[str, Any]
    identity: Identity

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> EvaluateSettings:
        """Parse the composed configuration."""
        keys = _keys(EvaluateKeys, plain, ("data", "paths"))
        _check_given_data(plain["data"])
        return cls(keys, plain["data"], identity(plain))


@dataclass(frozen=True)
class CheckSettings:
    """Settings of `seqtag check`.

    Attributes:
        data: the corpus.
        vectors: a file of word vectors that is compared with the corpus.
        identity: which run it is.
    """

    data: DataSettings
    vectors: FileName | None
    identity: Identity

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> CheckSettings:
        """Parse the composed configuration."""
        keys = _keys(CheckKeys, plain, ("data", "paths"))
        return cls(DataSettings.from_plain(plain["data"]), keys.vectors, identity(plain))


@dataclass(frozen=True)
class ProbeSettings:
    """Settings of `seqtag probe`.

    Attributes:
        training: of the training; of a tagger that is judged alone, of the items.
        probe: which probe, and how much of it is judged.
        regime: how it is learned.
        keys: those that stand in no group.
        identity: which run it is.
    """

    training: TrainingSettings
    probe: ProbeConfig
    regime: ReachConfig | LearnConfig
    keys: ProbeKeys
    identity: Identity

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ProbeSettings:
        """Parse the composed configuration."""
        keys = _keys(ProbeKeys, plain, (*_TRAINING, "probe", "regime"))
        if require_group(plain["data"], "data").get("format") != "probe":
            raise InputError(
                "data.format: a probe is judged on its own items, not on a corpus: leave out data="
            )
        training = TrainingSettings.from_plain(plain)
        probe = from_plain(ProbeConfig, plain["probe"], "probe")
        regime = _regime(plain["regime"])
        _require(plain, _NEEDED_OF_A_PROBE)
        if isinstance(regime, LearnConfig) and "early_stopping" not in training.callbacks:
            raise InputError("callbacks.early_stopping ends training under regime=learn: keep it")
        if isinstance(regime, LearnConfig) and training.metric not in (None, "accuracy"):
            raise InputError("metric: under regime=learn a lag is solved by accuracy: leave it out")
        settings = cls(training, probe, regime, keys, identity(plain))
        if keys.suite is None:
            settings.check_items()
        elif keys.model_dir is None or keys.suite_path is None:
            missing = "model_dir" if keys.model_dir is None else "suite_path"
            raise InputError(
                f"a suite is read from files and judges a trained model: give {missing}="
            )
        return settings

    def check_items(self) -> None:
        """Refuse what cannot be trained or judged on the probe's items."""
        probe = make_probe(self.probe.name)
        if isinstance(self.regime, LearnConfig):
            if self.keys.model_dir is not None:
                raise InputError("regime=learn trains taggers of its own: leave out model_dir=")
            for lag in self.regime.lags:
                probe.generate(0, "train", probe.factors_at_lag(lag), 0)
        if self.keys.inspect is not None:
            self._check_inspect(probe)
        if self.keys.parameters is not None:
            self._refuse_other_inputs()
        if self.keys.model_dir is None:
            self.require_forward(probe, self.training.model)

    def require_forward(self, probe: Probe, model: TaggerConfig) -> None:
        """Refuse a model that reads both ways where right context gives the answer away."""
        ahead = model.built_encoder.reads_ahead(model)
        if ahead and not (probe.bidirectional_safe or self.keys.allow_bidirectional):
            raise InputError(
                f"probe {probe.name} asks what comes next, and a model that reads both ways has "
                "seen it: take model.bidirectional=false, or allow_bidirectional=true to judge it "
                "all the same"
            )

    def _check_inspect(self, probe: Probe) -> None:
        kind, model = self.keys.inspect, self.training.model
        if self.keys.model_dir is not None or not isinstance(self.regime, ReachConfig):
            raise InputError(
                f"inspect={kind} compares before and after a training of regime=reach: leave out "
                "model_dir= and regime=learn"
            )
        if encoder_name(model.encoder) != "recurrent":
            raise InputError(
                f"inspect={kind} is for model.encoder=recurrent: others have no states"
            )
        if model.bidirectional:
            raise InputError(
                f"inspect={kind}: a tagger that reads both ways has no one direction in which its "
                "gradient fades: take model.bidirectional=false"
            )
        if model.subword_size:
            raise InputError(
                f"inspect={kind}: a tagger that reads pieces of words has no lags in words: take "
                "model.subword_size=0"
            )
        probe.generate(0, "dev", probe.factors_at_lag(self.keys.inspect_lag), 0)

    def _refuse_other_inputs(self) -> None:
        """Refuse `parameters` for an encoder whose input is not words alone."""
        model = self.training.model
        # A probe has no further columns, so nothing is made of `features`.
        others = [INPUTS[n].cls.key for n in model.input_options if n not in ("words", "features")]
        if others or model.words is None:
            found = f"model.{others[0]} is set" if others else "model.words is null"
            raise InputError(f"parameters= is for models that read words alone, and {found}")
        if encoder_name(model.encoder) != "recurrent":
            raise InputError("parameters= is for model.encoder=recurrent")


Settings = TrainSettings | EvaluateSettings | CheckSettings | ProbeSettings
_PARSERS: dict[str, Callable[[Mapping[str, Any]], Settings]] = {
    "train": TrainSettings.from_plain,
    "evaluate": EvaluateSettings.from_plain,
    "check": CheckSettings.from_plain,
    "probe": ProbeSettings.from_plain,
}


def settings_of(verb: str, plain: Mapping[str, Any]) -> Settings:
    """Parse the composed configuration of a verb.

    Raises:
        InputError: naming the key as it is written on the command line, what it must be, and what
            it is.
    """
    settings = _PARSERS[verb](plain)
    if plain.get("metric") is not None:
        SCORES[plain["metric"]]  # raises for one that is not registered
    if plain.get("search") is not None:
        from_plain(SearchConfig, plain["search"], "search")
    return settings


def identity(plain: Mapping[str, Any]) -> Identity:
    """Return which run a configuration makes: its folder, and what it is compared by.

    A run that resumes from its own last checkpoint is the run that it was.
    """
    kept = {key: value for key, value in plain.items() if key not in _PLACE}
    if kept.get("ckpt_path") in ("last", "auto"):
        kept["ckpt_path"] = None
    output = str(plain["paths"]["output_dir"])
    # Callbacks and loggers name the run's folder.
    return Identity(Path(output), _without(json.loads(json.dumps(kept)), output))


def _without(value: Any, folder: str) -> Any:
    """Return JSON values in whose texts "." stands for a folder."""
    if isinstance(value, dict):
        return {key: _without(inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, folder) for inner in value]
    return value.replace(folder, ".") if isinstance(value, str) else value


def _keys(kind: type[T], plain: Mapping[str, Any], groups: tuple[str, ...]) -> T:
    """Parse the keys that stand in no group; all groups must be there."""
    own = {key: value for key, value in plain.items() if key not in {*groups, "search"}}
    keys = from_plain(kind, own, "")
    for name in groups:
        if name not in plain:
            raise InputError(f"{name} is missing: choose an option of that group, {name}=OPTION")
    from_plain(Paths, plain["paths"], "paths")
    return keys


def _require(plain: Mapping[str, Any], needed: Mapping[str, tuple[str, ...]]) -> None:
    for name, keys in needed.items():
        for key in keys:
            if key not in plain[name]:
                raise InputError(f"{full_key(name, key)} is missing: leave out ~{name}.{key}")


def _regime(plain: Any) -> ReachConfig | LearnConfig:
    known: dict[str, type[ReachConfig | LearnConfig]] = {"reach": ReachConfig, "learn": LearnConfig}
    name = checked(require_group(plain, "regime").get("name"), Literal[tuple(known)], "regime.name")
    return from_plain(known[name], plain, "regime")


def _check_given_data(data: Any) -> None:
    """Check the group `data` of `evaluate`: the tagger's folder has the keys that it lacks."""
    rest = require_group(data, "data")
    if rest.get("path", "") is None:
        del rest["path"]
    if "format" in rest:
        DataSettings.from_plain(rest)
        return
    for name, kind in (("batch", BatchConfig), ("encode", EncodeConfig), ("tag_scheme", None)):
        if name in rest and kind is not None:
            from_plain(kind, rest.pop(name), f"data.{name}")
        elif name in rest:
            checked(rest.pop(name), Scheme, f"data.{name}")
    if isinstance(encoding := rest.get("encoding"), str):
        check_encoding(encoding)
    corpus = CorpusConfig if "probe" not in rest else ProbeCorpusConfig
    checked_values(corpus, rest, "data", whole=False)
