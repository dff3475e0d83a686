"""The settings of a training: parsed once from plain values, frozen, checked whole.

Nothing that needs torch, Lightning or datasets is imported, so that a sweep checks all its jobs
before it starts one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from seqtag.cells import CELLS, build_cell
from seqtag.checks import FileName, Seed, Text, checked, from_plain, full_key, shown
from seqtag.data.config import BatchConfig, CorpusConfig
from seqtag.data.formats import FORMATS
from seqtag.errors import InputError, unknown
from seqtag.inputs.options import EncodeConfig
from seqtag.model.config import TaggerConfig
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.training.targets import CALLBACKS, LOGGERS, OPTIMIZERS, SCHEDULES, Target
from seqtag.training.trainer_options import TrainerOptions, trainer_options

# The names of the engines, and what they are: `recurrent.engines`.
Engine = Literal["auto", "cpu", "torch", "scan", "loop", "reference"]
# Keys that stand in no group.
_ALONE = ("seed", "ckpt_path", "engine", "compile", "metric")
Scheme = Literal["auto", "plain", "bio", "bioes"]


@dataclass(frozen=True)
class DataSettings:
    """The group `data`: a corpus, and how its sentences become batches.

    Attributes:
        corpus: files, a data set of the hub, or items that a probe generates.
        batch: how large batches are.
        encode: how words become numbers.
        tag_scheme: the label scheme that the tagger works in.
        description: the group as it was composed, which a model folder keeps.
    """

    corpus: CorpusConfig | ProbeCorpusConfig
    batch: BatchConfig
    encode: EncodeConfig
    tag_scheme: Scheme
    description: Mapping[str, Any]

    @classmethod
    def from_plain(cls, plain: Any) -> DataSettings:
        """Parse the group `data`.

        Raises:
            InputError: naming the key at fault.
        """
        rest = group(plain, "data")
        if "format" not in rest:
            raise InputError("data.format is missing: name a corpus with data=OPTION")
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
        if rest["format"] == "probe":
            del rest["format"]
            corpus: Any = from_plain(ProbeCorpusConfig, rest, "data")
        else:
            corpus = from_plain(CorpusConfig, rest, "data")
        return cls(corpus, **parts, description=dict(plain))

    def to_plain(self) -> dict[str, Any]:
        """Return the group as plain values, which `from_plain` parses to an equal object."""
        kind = {"format": "probe"} if isinstance(self.corpus, ProbeCorpusConfig) else {}
        rest = {"batch": asdict(self.batch), "encode": asdict(self.encode)}
        return {**kind, **asdict(self.corpus), **rest, "tag_scheme": self.tag_scheme}


@dataclass(frozen=True)
class TrainingSettings:
    """All that `training.fit` needs to know, except the corpus itself.

    Attributes:
        data: the corpus and its batches.
        model: the network.
        cell: name and options of the recurrent cell, as `build_cell` takes them.
        optimizer, scheduler: how weights move.
        trainer: Lightning's options.
        callbacks, logger: those that are switched on, by name.
        seed: of everything that is random.
        output_dir: the run's folder.
        ckpt_path: the checkpoint to resume from: a file, ``last``, ``auto`` or None.
        engine: what runs the cell.
        compile: compile the network with ``torch.compile``.
        metric: the registered metric that chooses the model; None for F1 of spans or accuracy.
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

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrainingSettings:
        """Parse the composed configuration; keys of a verb's own are ignored.

        Raises:
            InputError: naming the key at fault as it is written on the command line, what it must
                be, and what it is.
        """
        alone = {name: plain[name] for name in _ALONE}
        return cls(
            data=DataSettings.from_plain(plain["data"]),
            model=from_plain(TaggerConfig, plain["model"], "model"),
            cell=_cell(plain["cell"]),
            optimizer=Target.from_plain(plain["optimizer"], OPTIMIZERS, "optimizer"),
            scheduler=Target.from_plain(plain["scheduler"], SCHEDULES, "scheduler"),
            trainer=trainer_options(plain["trainer"]),
            callbacks=_targets(plain["callbacks"], CALLBACKS, "callbacks"),
            logger=_targets(plain["logger"], LOGGERS, "logger"),
            output_dir=plain["paths"]["output_dir"],
            **alone,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return plain values, as JSON has them, which `from_plain` parses to an equal object."""
        named = {"callbacks": self.callbacks, "logger": self.logger}
        return {
            "data": self.data.to_plain(),
            "model": self.model.to_plain(),
            "cell": dict(self.cell),
            "optimizer": self.optimizer.to_plain(),
            "scheduler": self.scheduler.to_plain(),
            "trainer": asdict(self.trainer),
            **{
                group: {name: target.to_plain() for name, target in parts.items()}
                for group, parts in named.items()
            },
            "paths": {"output_dir": self.output_dir},
            **{name: getattr(self, name) for name in _ALONE},
        }


def group(value: Any, name: str) -> dict[str, Any]:
    """Return a copy of a group of keys.

    Raises:
        InputError: if `value` is something else.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a group of keys, not {shown(value)}")
    return dict(value)


def _cell(plain: Any) -> dict[str, Any]:
    fields = group(plain, "cell")
    if "name" in fields and fields["name"] not in CELLS:
        raise unknown("cell.name", fields["name"], CELLS.names())
    build_cell(fields)
    return fields


def _targets(plain: Any, targets: Mapping[str, type], name: str) -> dict[str, Target]:
    """Parse a group of named parts, leaving out those that are null."""
    return {
        str(key): Target.from_plain(part, targets, full_key(name, str(key)))
        for key, part in group(plain, name).items()
        if part is not None
    }
