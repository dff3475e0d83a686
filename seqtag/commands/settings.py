"""The settings of each verb: parsed once from the composed configuration, checked and frozen.

This module imports neither torch nor Lightning nor datasets, so that a sweep can check the settings
of all its jobs quickly before it starts the first one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from seqtag.checks import (
    AtLeast,
    AtMost,
    FileName,
    NonEmpty,
    Seed,
    Text,
    checked,
    checked_values,
    from_plain,
    full_key,
)
from seqtag.commands.folder_settings import with_folder_settings
from seqtag.data.config import BatchConfig, CorpusConfig, check_encoding
from seqtag.errors import InputError, unknown
from seqtag.inputs import INPUTS
from seqtag.inputs.options import EncodeConfig
from seqtag.metrics.choice import parse_metric
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import encoder_name
from seqtag.probes.base import Probe
from seqtag.probes.config import LearnConfig, ProbeConfig, ProbeCorpusConfig, ReachConfig
from seqtag.probes.registry import make_probe
from seqtag.sweeps.records import Identity
from seqtag.sweeps.search import SearchConfig
from seqtag.training.settings import DataSettings, Engine, Scheme, TrainingSettings, require_group

T = TypeVar("T")

# Keys that must be set in the configuration, although the dataclasses have defaults for them.
_NEEDED = {
    "model": ("words", "subword_size", "hidden_size", "num_layers", "bidirectional"),
    "trainer": ("precision", "overfit_batches"),
}
_NEEDED_OF_A_PROBE = {**_NEEDED, "data": ("train", "seed", "lag")}
# Keys that do not belong to the identity of a run: where it is, and which sweep started it.
_NOT_IDENTITY = ("paths", "study", "search")
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
class TrainingKeys:
    """The top-level keys of the verbs that train, outside all groups."""

    seed: Seed
    study: FileName | int
    ckpt_path: FileName | None
    engine: Engine
    compile: bool
    metric: Text | None


@dataclass(frozen=True)
class TrainKeys(TrainingKeys):
    """The top-level keys of `seqtag train`, outside all groups."""

    init: FileName | None = None
    freeze: Annotated[tuple[Text, ...], NonEmpty()] | None = None


@dataclass(frozen=True)
class ProbeKeys(TrainingKeys):
    """The top-level keys of `seqtag probe`, outside all groups."""

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
    """The top-level keys of `seqtag evaluate`, outside all groups."""

    model_dir: FileName
    split: Literal["train", "dev", "test"]
    errors: Annotated[int, AtLeast(0), AtMost(1000)]
    engine: Engine
    metric: Text | None
    bias: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CheckKeys:
    """The top-level keys of `seqtag check`, outside all groups."""

    vectors: FileName | None = None


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `seqtag train`.

    Attributes:
        training: the settings of the training.
        identity: folder and configuration that identify the run.
    """

    training: TrainingSettings
    identity: Identity

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], overrides: Sequence[str] = ()) -> TrainSettings:
        """Parse the composed configuration; for `overrides` see `settings_of`."""
        keys = _keys(TrainKeys, plain, _TRAINING)
        if keys.init is not None:
            plain = with_folder_settings(plain, overrides)
        training = TrainingSettings.from_plain(plain)
        _require(plain, _NEEDED)
        _check_freeze(training)
        return cls(training, identity(plain))


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of `seqtag evaluate`.

    Attributes:
        keys: the top-level keys.
        data: the group `data` of the user, which the model folder completes.
        identity: folder and configuration that identify the run.
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
        vectors: a file of word vectors to compare with the corpus.
        identity: folder and configuration that identify the run.
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
        training: the settings of the training and of the generated items.
        probe: which probe, and the size of its evaluation.
        regime: how the probe is learned.
        keys: the top-level keys.
        identity: folder and configuration that identify the run.
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
                "data.format: a probe uses its own items, not a corpus: leave out data="
            )
        if keys.parameters is not None and keys.model_dir is not None:
            raise InputError(
                "parameters= chooses the size of a model to train, but model_dir= evaluates a "
                "trained one: leave out one of them"
            )
        training = TrainingSettings.from_plain(plain)
        probe = from_plain(ProbeConfig, plain["probe"], "probe")
        regime = _regime(plain["regime"])
        _require(plain, _NEEDED_OF_A_PROBE)
        if isinstance(regime, LearnConfig) and "early_stopping" not in training.callbacks:
            raise InputError("callbacks.early_stopping is required by regime=learn: keep it")
        if isinstance(regime, LearnConfig) and training.metric not in (None, "accuracy"):
            raise InputError("metric: regime=learn always uses accuracy: leave out metric=")
        settings = cls(training, probe, regime, keys, identity(plain))
        if keys.suite is None:
            settings.check_items()
        elif keys.model_dir is None or keys.suite_path is None:
            missing = "model_dir" if keys.model_dir is None else "suite_path"
            raise InputError(f"suite= evaluates a trained model on files: set {missing}= too")
        return settings

    def check_items(self) -> None:
        """Raise an error for settings that do not fit training or evaluation on generated items."""
        probe = make_probe(self.probe.name)
        if isinstance(self.regime, LearnConfig):
            if self.keys.model_dir is not None:
                raise InputError("regime=learn trains its own taggers: leave out model_dir=")
            for lag in self.regime.lags:
                probe.generate(0, "train", probe.factors_at_lag(lag), 0)
        if self.keys.inspect is not None:
            self._check_inspect(probe)
        if self.keys.parameters is not None:
            self._refuse_other_inputs()
        if self.keys.model_dir is None:
            self.require_forward(probe, self.training.model)

    def require_forward(self, probe: Probe, model: TaggerConfig) -> None:
        """Raise an error for a bidirectional model if the right context reveals the answer."""
        ahead = model.built_encoder.reads_ahead(model)
        if ahead and not (probe.bidirectional_safe or self.keys.allow_bidirectional):
            raise InputError(
                f"probe {probe.name} predicts what comes next, which a bidirectional model has "
                "already seen: set model.bidirectional=false, or allow_bidirectional=true to "
                "evaluate it anyway"
            )

    def _check_inspect(self, probe: Probe) -> None:
        kind, model = self.keys.inspect, self.training.model
        if self.keys.model_dir is not None or not isinstance(self.regime, ReachConfig):
            raise InputError(
                f"inspect={kind} compares the tagger before and after training with regime=reach: "
                "leave out model_dir= and regime=learn"
            )
        if encoder_name(model.encoder) != "recurrent":
            raise InputError(
                f"inspect={kind} requires model.encoder=recurrent: other encoders have no states"
            )
        if model.bidirectional:
            raise InputError(
                f"inspect={kind} measures the gradient along one direction: set "
                "model.bidirectional=false"
            )
        if model.subword_size:
            raise InputError(
                f"inspect={kind} measures lags in words, but this model reads subword pieces: "
                "set model.subword_size=0"
            )
        probe.generate(0, "dev", probe.factors_at_lag(self.keys.inspect_lag), 0)

    def _refuse_other_inputs(self) -> None:
        """Raise an error if `parameters` is set and the encoder reads more than words."""
        model = self.training.model
        # A probe has no further columns and no gazetteers, so these inputs have no parameters.
        without = ("words", "features", "gazetteers")
        others = [INPUTS[name].cls.key for name in model.input_options if name not in without]
        if others or model.words is None:
            reason = f"model.{others[0]} is set" if others else "model.words is null"
            raise InputError(f"parameters= requires a model that reads only words, but {reason}")
        if encoder_name(model.encoder) != "recurrent":
            raise InputError("parameters= requires model.encoder=recurrent")


Settings = TrainSettings | EvaluateSettings | CheckSettings | ProbeSettings
_PARSERS: dict[str, Callable[[Mapping[str, Any]], Settings]] = {
    "evaluate": EvaluateSettings.from_plain,
    "check": CheckSettings.from_plain,
    "probe": ProbeSettings.from_plain,
}


def settings_of(verb: str, plain: Mapping[str, Any], overrides: Sequence[str] = ()) -> Settings:
    """Parse the composed configuration of a verb.

    `overrides` are the arguments that changed it; with `init`, only they show which settings the
    user wants to differ from the model folder.

    Raises:
        InputError: for a wrong value; the message names the key as on the command line, what is
            expected, and the value.
    """
    is_train = verb == "train"
    settings = TrainSettings.from_plain(plain, overrides) if is_train else _PARSERS[verb](plain)
    if plain.get("metric") is not None:
        parse_metric(plain["metric"])
    if plain.get("search") is not None:
        from_plain(SearchConfig, plain["search"], "search")
    return settings


def _check_freeze(training: TrainingSettings) -> None:
    """Raise an error for an unknown part of the network, or if no part is left to train."""
    model, names = training.model, training.freeze or ()
    # These inputs have no parameters without their files or columns, which may be in `init`.
    optional = ("features", "gazetteers")
    parts = [*model.input_options, "encoder", "projection"]
    parts += ["crf"] if model.decoder == "crf" else []
    parts += ["language_model"] if model.language_model else []
    for name in names:
        if name not in parts:
            raise unknown("part of the network in freeze", name, parts)
    if names and {*parts} <= {*names, *optional}:
        raise InputError(f"freeze=[{','.join(names)}] leaves nothing to train: name fewer parts")


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


def _keys(kind: type[T], plain: Mapping[str, Any], groups: tuple[str, ...]) -> T:
    """Parse the top-level keys; check that all groups are present."""
    own = {key: value for key, value in plain.items() if key not in {*groups, "search"}}
    keys = from_plain(kind, own, "")
    for name in groups:
        if name not in plain:
            raise InputError(f"{name} is missing: choose an option of this group, {name}=OPTION")
    from_plain(Paths, plain["paths"], "paths")
    return keys


def _require(plain: Mapping[str, Any], needed: Mapping[str, tuple[str, ...]]) -> None:
    for name, keys in needed.items():
        for key in keys:
            if key not in plain[name]:
                raise InputError(f"{full_key(name, key)} is missing: remove ~{name}.{key}")


def _regime(plain: Any) -> ReachConfig | LearnConfig:
    known: dict[str, type[ReachConfig | LearnConfig]] = {"reach": ReachConfig, "learn": LearnConfig}
    name = checked(require_group(plain, "regime").get("name"), Literal[tuple(known)], "regime.name")
    return from_plain(known[name], plain, "regime")


def _check_given_data(data: Any) -> None:
    """Check the group `data` of `evaluate`, in which keys may be missing."""
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
