"""Settings of a training: parsed once from plain values, checked completely, then immutable.

This module imports neither torch nor Lightning nor datasets, so that a sweep can quickly check all
its jobs before it starts one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from seqtag.cells import CELLS, build_cell
from seqtag.checks import FileName, Seed, Text, checked, from_plain, full_key, shown
from seqtag.data.config import BatchConfig, CorpusConfig
from seqtag.data.formats import FORMATS
from seqtag.data.text.encodings import check_encoding
from seqtag.errors import InputError, unknown
from seqtag.inputs.options import EncodeConfig, GazetteerConfig, NormalForm
from seqtag.model.config import TaggerConfig
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.training.targets import CALLBACKS, LOGGERS, OPTIMIZERS, SCHEDULES, Target
from seqtag.training.trainer_options import TrainerOptions, trainer_options

# Names of the engines in `recurrent.engines`.
Engine = Literal["auto", "cpu", "torch", "triton", "scan", "loop", "chunked", "reference"]
# Keys outside all groups.
_UNGROUPED = ("seed", "ckpt_path", "engine", "compile", "metric")
# Those that only `seqtag train` has.
_OF_TRAIN = ("init", "freeze", "parameters")
Scheme = Literal["auto", "plain", "bio", "bioes"]


@dataclass(frozen=True)
class DataSettings:
    """The group `data`: a corpus, and how its sentences are encoded and batched.

    Attributes:
        corpus: files, a data set of the hub, or items that a probe generates.
        batch: size of the batches.
        encode: how words are converted to ids.
        gazetteers: lists of names in which words are looked up; None for none.
        tag_scheme: the label scheme of the tagger.
        description: the group as composed, which is stored in the model folder.
    """

    corpus: CorpusConfig | ProbeCorpusConfig
    batch: BatchConfig
    encode: EncodeConfig
    gazetteers: GazetteerConfig | None
    tag_scheme: Scheme
    description: Mapping[str, Any]

    @classmethod
    def from_plain(cls, plain: Any) -> DataSettings:
        """Parse the group `data`.

        Raises:
            InputError: for an invalid key; it names the key.
        """
        rest = require_group(plain, "data")
        if "format" not in rest:
            raise InputError("data.format is missing: choose a corpus with data=OPTION")
        if checked(rest["format"], Text, "data.format") not in ("probe", *FORMATS.names()):
            raise unknown("data.format", rest["format"], ["probe", *FORMATS.names()])
        parts: dict[str, Any] = {}
        for name, kind in (("batch", BatchConfig), ("encode", EncodeConfig)):
            if name not in rest:
                raise InputError(f"data.{name} is missing")
            parts[name] = from_plain(kind, rest.pop(name), f"data.{name}")
        if "tag_scheme" not in rest:
            raise InputError("data.tag_scheme is missing")
        parts["tag_scheme"] = checked(rest.pop("tag_scheme"), Scheme, "data.tag_scheme")
        parts["gazetteers"] = _gazetteers(rest)
        if rest["format"] == "probe":
            del rest["format"]
            corpus: Any = from_plain(ProbeCorpusConfig, rest, "data")
        else:
            corpus = from_plain(CorpusConfig, rest, "data")
            parts["encode"] = _with_normal_form(parts["encode"], corpus.normalize)
        return cls(corpus, **parts, description=dict(plain))

    def to_plain(self) -> dict[str, Any]:
        """Return the group as plain values; `from_plain` parses them to an equal object."""
        kind = {"format": "probe"} if isinstance(self.corpus, ProbeCorpusConfig) else {}
        rest: dict[str, Any] = {"batch": asdict(self.batch), "encode": asdict(self.encode)}
        if self.gazetteers is not None:
            rest["gazetteers"] = dict(self.gazetteers.files)
            rest["gazetteer_ignore_case"] = self.gazetteers.ignore_case
            rest["gazetteer_encoding"] = self.gazetteers.encoding
        return {**kind, **asdict(self.corpus), **rest, "tag_scheme": self.tag_scheme}


@dataclass(frozen=True)
class TrainingSettings:
    """All settings that `training.fit` needs; the corpus itself is a separate argument.

    Attributes:
        data: the corpus and its batches.
        model: the network.
        cell: name and options of the recurrent cell, for `build_cell`.
        optimizer, scheduler: the optimizer and its learning-rate schedule.
        trainer: options of Lightning's trainer.
        callbacks, logger: the enabled ones, by name.
        seed: seed of all random numbers.
        output_dir: the run folder.
        ckpt_path: the checkpoint to resume from: a file, ``last``, ``auto`` or None.
        engine: the engine that runs the cell.
        compile: compile the network with ``torch.compile``.
        init: the model folder that the training begins with, or None.
        freeze: parts of the network that are not trained; see `training.freeze`.
        parameters: number of parameters that the encoder has about, by its hidden size; None for
            `model.hidden_size`.
        metric: the registered metric that chooses the model; None for F1 of spans or accuracy.

    Example::

        settings = TrainingSettings.from_plain(configuration)
        tagger, summary = fit(settings, build.training_corpus(settings))
    """

    data: DataSettings
    model: TaggerConfig
    cell: Mapping[str, Any]
    optimizer: Target
    scheduler: Target
    trainer: TrainerOptions
    callbacks: Mapping[str, Target]
    logger: Mapping[str, Target]
    seed: Seed
    output_dir: FileName
    ckpt_path: FileName | None
    engine: Engine
    compile: bool
    metric: Text | None
    init: FileName | None = None
    freeze: Sequence[str] | None = None
    parameters: int | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrainingSettings:
        """Parse the composed configuration; keys that belong to a single verb are ignored.

        Raises:
            InputError: for an invalid key; it names the key as written on the command line, the
                valid values, and the value.
        """
        ungrouped = {name: plain[name] for name in _UNGROUPED}
        ungrouped |= {name: plain.get(name) for name in _OF_TRAIN}
        model, cell = from_plain(TaggerConfig, plain["model"], "model"), _cell(plain["cell"])
        model.built_encoder.check_cell(model, cell)
        return cls(
            data=DataSettings.from_plain(plain["data"]),
            model=model,
            cell=cell,
            optimizer=Target.from_plain(plain["optimizer"], OPTIMIZERS, "optimizer"),
            scheduler=Target.from_plain(plain["scheduler"], SCHEDULES, "scheduler"),
            trainer=trainer_options(plain["trainer"]),
            callbacks=_targets(plain["callbacks"], CALLBACKS, "callbacks"),
            logger=_targets(plain["logger"], LOGGERS, "logger"),
            output_dir=plain["paths"]["output_dir"],
            **ungrouped,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return the settings as values of JSON; `from_plain` parses them to an equal object."""
        target_groups = {"callbacks": self.callbacks, "logger": self.logger}
        return {
            "data": self.data.to_plain(),
            "model": self.model.to_plain(),
            "cell": dict(self.cell),
            "optimizer": self.optimizer.to_plain(),
            "scheduler": self.scheduler.to_plain(),
            "trainer": asdict(self.trainer),
            **{
                group: {name: target.to_plain() for name, target in parts.items()}
                for group, parts in target_groups.items()
            },
            "paths": {"output_dir": self.output_dir},
            **{name: getattr(self, name) for name in (*_UNGROUPED, *_OF_TRAIN)},
        }


def _with_normal_form(encode: EncodeConfig, form: NormalForm | None) -> EncodeConfig:
    """Return the options of `data.encode` with `data.normalize`, the setting that users change."""
    if encode.normalize not in (None, form):
        raise InputError(f"data.encode.normalize: set data.normalize={encode.normalize} instead")
    return replace(encode, normalize=form)


def require_group(value: Any, name: str) -> dict[str, Any]:
    """Return a copy of a group of keys.

    Raises:
        InputError: if `value` is not a group.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a group of keys, not {shown(value)}")
    return dict(value)


def _gazetteers(rest: dict[str, Any]) -> GazetteerConfig | None:
    """Remove the keys of gazetteers from the group `data`, and parse them."""
    defaults = {"gazetteers": None, "gazetteer_ignore_case": False, "gazetteer_encoding": "utf-8"}
    config = GazetteerConfig.from_plain(*(rest.pop(key, defaults[key]) for key in defaults))
    if config is not None:
        check_encoding(config.encoding, "data.gazetteer_encoding")
    return config


def _cell(plain: Any) -> dict[str, Any]:
    fields = require_group(plain, "cell")
    if "name" in fields and fields["name"] not in CELLS:
        raise unknown("cell.name", fields["name"], CELLS.names())
    build_cell(fields)
    return fields


def _targets(plain: Any, targets: Mapping[str, type], name: str) -> dict[str, Target]:
    """Parse a group of named targets, leaving out those that are null."""
    return {
        str(key): Target.from_plain(part, targets, full_key(name, str(key)))
        for key, part in require_group(plain, name).items()
        if part is not None
    }
