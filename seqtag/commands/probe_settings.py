"""The settings of `seqtag probe`: parsed once from the composed configuration, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from seqtag.checks import AtLeast, AtMost, FileName, checked, from_plain
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
from seqtag.errors import InputError
from seqtag.inputs import INPUTS
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import encoder_name
from seqtag.probes.base import Probe
from seqtag.probes.config import LearnConfig, ProbeConfig, ReachConfig
from seqtag.probes.registry import make_probe
from seqtag.sweeps.records import Identity
from seqtag.training.settings import TrainingSettings, require_group

_NEEDED_OF_A_PROBE = {**NEEDED, "data": ("train", "seed", "lag")}


@dataclass(frozen=True)
class ProbeKeys(TrainingKeys):
    """The top-level keys of `seqtag probe`, outside all groups."""

    size: Literal["quick", "full"]
    model_dir: FileName | None
    suite: Literal["blimp", "marvin_linzen", "syntaxgym", "gap", "winogender", "winobias"] | None
    suite_path: FileName | None
    inspect: Literal["gradients"] | None
    inspect_lag: Annotated[int, AtLeast(1), AtMost(1_000_000)]
    parameters: Parameters | None
    allow_bidirectional: bool


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
        keys = parse_keys(ProbeKeys, plain, (*TRAINING, "probe", "regime"))
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
        require_keys(plain, _NEEDED_OF_A_PROBE)
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
        items = getattr(self.probe, self.keys.size).items
        if items % probe.block:
            raise InputError(
                f"probe.{self.keys.size}.items must be a multiple of {probe.block}, because the "
                f"probe {probe.name} is balanced in blocks of that many items; it is {items}"
            )
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
        check_sized(model)


def _regime(plain: Any) -> ReachConfig | LearnConfig:
    known: dict[str, type[ReachConfig | LearnConfig]] = {"reach": ReachConfig, "learn": LearnConfig}
    name = checked(require_group(plain, "regime").get("name"), Literal[tuple(known)], "regime.name")
    return from_plain(known[name], plain, "regime")
