"""The one place that turns configurations into objects.

`_target_` is honoured for optimizers, schedules, callbacks and loggers only, and only for the
names listed here: a configuration cannot name any other code.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
from hydra.utils import instantiate

from seqtag.data.batches import BatchConfig
from seqtag.data.encode import EncodeConfig, Encoder
from seqtag.data.labelset import LabelSet
from seqtag.data.module import CorpusModule
from seqtag.data.sources import Corpus, CorpusConfig, load_corpus
from seqtag.errors import InputError, did_you_mean, from_plain
from seqtag.model.config import TaggerConfig
from seqtag.model.tagger import TaggerNetwork
from seqtag.probes.corpus import generate_corpus

_OPTIMIZERS = ("torch.optim.AdamW", "torch.optim.SGD", "torch.optim.Adam")
_SCHEDULES = ("seqtag.training.schedules.WarmupDecay",)
_CALLBACKS = (
    "lightning.pytorch.callbacks.EarlyStopping",
    "lightning.pytorch.callbacks.LearningRateMonitor",
    "lightning.pytorch.callbacks.ModelCheckpoint",
    "lightning.pytorch.callbacks.RichProgressBar",
    "lightning.pytorch.callbacks.TQDMProgressBar",
    "seqtag.training.averaging.ExponentialAverage",
)
_LOGGERS = (
    "lightning.pytorch.loggers.CSVLogger",
    "lightning.pytorch.loggers.MLFlowLogger",
    "lightning.pytorch.loggers.TensorBoardLogger",
    "lightning.pytorch.loggers.WandbLogger",
)
# What `data` holds beside the description of the corpus itself.
_BESIDE_CORPUS = ("batch", "encode", "tag_scheme")


def corpus(data: Mapping[str, Any], splits: tuple[str, ...] | None = None) -> Corpus:
    """Read, or generate, the corpus that the group `data` describes."""
    plain = {key: value for key, value in data.items() if key not in _BESIDE_CORPUS}
    if plain.get("format") == "pronoun":
        return generate_corpus({k: v for k, v in plain.items() if k != "format"}, splits)
    return load_corpus(from_plain(CorpusConfig, plain, "data"), splits)


def portable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the group `data` as a model folder keeps it: a local path made absolute."""
    kept = dict(data)
    if kept.get("path") and Path(kept["path"]).exists():
        kept["path"] = str(Path(kept["path"]).resolve())
    return kept


def encoder(data: Mapping[str, Any], corpus: Corpus) -> Encoder:
    """Build the vocabularies from the training split."""
    if "train" not in corpus.splits:
        raise InputError("data: there is no training split")
    config = from_plain(EncodeConfig, data["encode"], "data.encode")
    return Encoder.fit(corpus.splits["train"], config, corpus.features)


def label_set(data: Mapping[str, Any], corpus: Corpus) -> LabelSet:
    """Collect the labels of the training split, in the scheme the tagger is to work in."""
    return LabelSet.fit(corpus.splits["train"]["labels"], corpus.scheme, data["tag_scheme"])


def network(
    model: Mapping[str, Any], cell: Mapping[str, Any], encoder: Encoder, labels: LabelSet
) -> TaggerNetwork:
    """Build the network, with word vectors from a file where the configuration names one."""
    config = from_plain(TaggerConfig, model, "model")
    built = TaggerNetwork(config, cell, encoder.sizes, len(labels), labels.transitions)
    if config.words is not None and config.words.vectors is not None:
        from seqtag.model.vectors import load_vectors

        load_vectors(config.words.vectors, encoder.words.strings(), built.embedding.words.weight)
    return built


def batch_config(data: Mapping[str, Any]) -> BatchConfig:
    """Return how large batches are."""
    return from_plain(BatchConfig, data["batch"], "data.batch")


def optimizer_factory(optimizer: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return a function from parameters to an optimizer."""
    return _partial(optimizer, _OPTIMIZERS, "optimizer")


def schedule_factory(scheduler: Mapping[str, Any], total_steps: int) -> Callable[[Any], Any]:
    """Return a function from an optimizer to its schedule over `total_steps`."""
    return _partial({**scheduler, "total_steps": total_steps}, _SCHEDULES, "scheduler")


def trainer(config: Mapping[str, Any], has_dev: bool) -> L.Trainer:
    """Build Lightning's trainer with its callbacks and loggers.

    Without a development split nothing can be chosen by it: the last weights are kept then, and
    training does not stop early.
    """
    callbacks = {name: dict(part) for name, part in config["callbacks"].items() if part}
    if not has_dev:
        callbacks.pop("early_stopping", None)
        if "checkpoint" in callbacks:
            callbacks["checkpoint"]["monitor"] = None
    if not config["trainer"].get("enable_progress_bar", True):
        callbacks.pop("progress", None)
    if not config["trainer"].get("enable_checkpointing", True):
        callbacks.pop("checkpoint", None)
    try:
        return L.Trainer(
            **config["trainer"],
            callbacks=[_build(part, _CALLBACKS, "callbacks") for part in callbacks.values()],
            logger=[_build(part, _LOGGERS, "logger") for part in config["logger"].values() if part],
            default_root_dir=config["paths"]["output_dir"],
            # The order of batches is shared out by the data module itself.
            use_distributed_sampler=False,
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"trainer: {error}") from error
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error}; install what it needs, for example pip install 'seqtag[wandb]'"
        ) from error


def total_steps(trainer: L.Trainer, data: CorpusModule) -> int:
    """Return the number of optimizer steps that `trainer` will take.

    Worked out here, since asking Lightning for its estimate builds the loaders too early for an
    exact resume.
    """
    batches = data.batches_per_epoch(trainer.world_size)
    if isinstance(trainer.limit_train_batches, int):
        batches = min(batches, trainer.limit_train_batches)
    else:
        batches = int(batches * trainer.limit_train_batches)
    steps = -(-batches // trainer.accumulate_grad_batches) * (trainer.max_epochs or 1)
    return max(1, steps if trainer.max_steps < 0 else min(steps, trainer.max_steps))


def _allowed(part: Mapping[str, Any], names: tuple[str, ...], where: str) -> dict[str, Any]:
    target = part.get("_target_")
    if target not in names:
        raise InputError(
            f"{where}: _target_ {target!r} is not allowed{did_you_mean(str(target), names)}; "
            f"it is one of {', '.join(names)}"
        )
    return dict(part)


def _build(part: Mapping[str, Any], names: tuple[str, ...], where: str) -> Any:
    with warnings.catch_warnings():
        # Lightning's loggers warn of a folder that Hydra has just made for them.
        warnings.filterwarnings("ignore", "Experiment logs directory")
        return instantiate(_allowed(part, names, where), _convert_="all")


def _partial(part: Mapping[str, Any], names: tuple[str, ...], where: str) -> Callable[[Any], Any]:
    return instantiate({**_allowed(part, names, where), "_partial_": True}, _convert_="all")
