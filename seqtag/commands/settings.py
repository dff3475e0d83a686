"""The settings of each verb: parsed once from the composed configuration, checked and frozen.

This module imports neither torch nor Lightning nor datasets, so that a sweep can check the settings
of all its jobs quickly before it starts the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from seqtag.checks import (
    AtLeast,
    AtMost,
    FileName,
    NonEmpty,
    Text,
    checked,
    checked_values,
    from_plain,
)
from seqtag.commands.common_settings import (
    NEEDED,
    TRAINING,
    Parameters,
    TrainingKeys,
    check_sized,
    identity,
    parse_keys,
    require_keys,
)
from seqtag.commands.folder_settings import with_folder_settings
from seqtag.commands.probe_settings import ProbeSettings
from seqtag.data.config import BatchConfig, CorpusConfig
from seqtag.data.text.encodings import check_encoding
from seqtag.errors import InputError, unknown
from seqtag.inputs.options import EncodeConfig
from seqtag.metrics.choice import parse_metric
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.sweeps.records import Identity
from seqtag.sweeps.search import SearchConfig
from seqtag.training.settings import DataSettings, Engine, Scheme, TrainingSettings, require_group


@dataclass(frozen=True)
class TrainKeys(TrainingKeys):
    """The top-level keys of `seqtag train`, outside all groups."""

    init: FileName | None = None
    freeze: Annotated[tuple[Text, ...], NonEmpty()] | None = None
    parameters: Parameters | None = None


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
        keys = parse_keys(TrainKeys, plain, TRAINING)
        if keys.init is not None:
            plain = with_folder_settings(plain, overrides)
        training = TrainingSettings.from_plain(plain)
        require_keys(plain, NEEDED)
        _check_freeze(training)
        if keys.parameters is not None:
            _check_parameters(training)
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
        keys = parse_keys(EvaluateKeys, plain, ("data", "paths"))
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
        keys = parse_keys(CheckKeys, plain, ("data", "paths"))
        return cls(DataSettings.from_plain(plain["data"]), keys.vectors, identity(plain))


Settings = TrainSettings | EvaluateSettings | CheckSettings | ProbeSettings
_PARSERS: dict[str, Callable[[Mapping[str, Any]], Settings]] = {
    "evaluate": EvaluateSettings.from_plain,
    "check": CheckSettings.from_plain,
    "probe": ProbeSettings.from_plain,
}


def settings_of(verb: str, plain: Mapping[str, Any], overrides: Sequence[str] = ()) -> Settings:
    """Parse the composed configuration of a verb.

    `overrides` are the arguments that changed it, or only their keys; with `init`, only they show
    which settings the user wants to differ from the model folder.

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


def _check_parameters(training: TrainingSettings) -> None:
    """Raise an error if `parameters` cannot choose the size of the network."""
    if training.init is not None:
        raise InputError(
            "parameters= chooses the size of a new network, but init= continues from a trained "
            "one: leave out one of them"
        )
    check_sized(training.model)


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
