"""The one place that turns configurations into objects.

`_target_` is honoured for optimizers, schedules, callbacks and loggers only, and only for the
names listed here: a configuration cannot name any other code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import datasets
import lightning as L
import numpy as np
import torch
from lightning.pytorch.profilers import (
    AdvancedProfiler,
    Profiler,
    PyTorchProfiler,
    SimpleProfiler,
)
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.data.batches import BatchConfig, BatchOrder
from seqtag.data.encode import EncodeConfig, Encoder
from seqtag.data.labelset import LabelSet
from seqtag.data.module import CorpusModule
from seqtag.data.sources import Corpus, CorpusConfig, load_corpus
from seqtag.data.vectors import load_vectors
from seqtag.errors import InputError, did_you_mean, from_plain
from seqtag.model.config import TaggerConfig
from seqtag.model.tagger import TaggerNetwork
from seqtag.probes.baselines import WindowBaseline
from seqtag.probes.corpus import baselines_of, generate_corpus

_OPTIMIZERS = ("torch.optim.AdamW", "torch.optim.SGD", "torch.optim.Adam")
_SCHEDULES = ("seqtag.training.schedules.WarmupDecay",)
_CALLBACKS = (
    "lightning.pytorch.callbacks.EarlyStopping",
    "lightning.pytorch.callbacks.LearningRateMonitor",
    "lightning.pytorch.callbacks.ModelCheckpoint",
    "lightning.pytorch.callbacks.RichProgressBar",
    "lightning.pytorch.callbacks.TQDMProgressBar",
    "seqtag.training.averaging.ExponentialAverage",
    "seqtag.training.progress.Progress",
)
_LOGGERS = (
    "lightning.pytorch.loggers.CSVLogger",
    "lightning.pytorch.loggers.MLFlowLogger",
    "lightning.pytorch.loggers.TensorBoardLogger",
    "lightning.pytorch.loggers.WandbLogger",
)
_PROFILERS: dict[str, Callable[..., Profiler]] = {
    "simple": SimpleProfiler,
    "advanced": AdvancedProfiler,
    "pytorch": PyTorchProfiler,
}
_WHOLE_NUMBERS = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "log_every_n_steps",
    "max_epochs",
    "max_steps",
    "num_sanity_val_steps",
)
# What `data` holds beside the description of the corpus itself.
_BESIDE_CORPUS = ("batch", "encode", "tag_scheme")


def corpus(data: Mapping[str, Any], splits: tuple[str, ...] | None = None) -> Corpus:
    """Read, or generate, the corpus that the group `data` describes."""
    made, plain = _description(data)
    if made:
        return generate_corpus(plain, splits)
    return load_corpus(from_plain(CorpusConfig, plain, "data"), splits)


def baselines(data: Mapping[str, Any]) -> dict[str, WindowBaseline]:
    """Return the baselines of the generated corpus that the group `data` describes."""
    return baselines_of(_description(data)[1])


def _description(data: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Return whether a corpus is generated, and what describes it."""
    plain = {key: value for key, value in data.items() if key not in _BESIDE_CORPUS}
    made = plain.get("format") == "probe"
    if made:
        del plain["format"]
    return made, plain


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
        rows, vectors = load_vectors(
            config.words.vectors, encoder.words.strings(), config.words.size
        )
        with torch.no_grad():
            built.embedding.words.weight[rows] = vectors
    return built


def batch_config(data: Mapping[str, Any]) -> BatchConfig:
    """Return how large batches are."""
    return from_plain(BatchConfig, data["batch"], "data.batch")


def few_batches(corpus: Corpus, count: float, config: BatchConfig, seed: int) -> Corpus:
    """Return a corpus of so many (or such a share) of the training batches, for overfitting.

    Its development split is the same sentences; there is no test split.
    """
    train = corpus.splits["train"]
    lengths = train.data.column("length").to_numpy()
    batches = BatchOrder(lengths, config, shuffle=True, seed=seed).batches(0)
    chosen = batches[: count if isinstance(count, int) else max(1, int(count * len(batches)))]
    rows = np.sort(np.concatenate(chosen)).tolist()
    few = datasets.Dataset.from_dict(train[rows], features=train.features)
    return replace(corpus, splits={"train": few, "dev": few})


@contextmanager
def compiled(network: TaggerNetwork, wanted: bool) -> Iterator[None]:
    """Have what a training step spends its time in compiled, once for all lengths, if `wanted`.

    The CRF stays as it is: its loops over time would be unrolled anew for each length. So does
    the whole network afterwards: evaluation in inference mode would compile it all over again.
    """
    parts = (network.embedding, network.encoder, network.projection) if wanted else ()
    for part in parts:
        part.compile(dynamic=True)
    try:
        yield
    finally:
        for part in parts:
            part._compiled_call_impl = None


def optimizer_factory(optimizer: Mapping[str, Any], precision: Any) -> Callable[[Any], Any]:
    """Return a function from parameters to an optimizer, for training at that precision."""
    if optimizer.get("fused") and "mixed" in str(precision):
        # Lightning does not clip gradients in mixed precision where the optimizer is fused.
        optimizer = {**optimizer, "fused": False}
    return _factory(optimizer, _OPTIMIZERS, "optimizer")


def schedule_factory(scheduler: Mapping[str, Any], total_steps: int) -> Callable[[Any], Any]:
    """Return a function from an optimizer to its schedule over `total_steps`."""
    return partial(_factory(scheduler, _SCHEDULES, "scheduler"), total_steps=total_steps)


def trainer(config: Mapping[str, Any], has_dev: bool) -> L.Trainer:
    """Build Lightning's trainer with its callbacks and loggers.

    Without a development split nothing can be chosen by it: the last weights are kept then, and
    training does not stop early.
    """
    options = {key: value for key, value in config["trainer"].items() if key != "overfit_batches"}
    for key in _WHOLE_NUMBERS:
        value = options.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InputError(f"trainer.{key} must be a whole number, not {value!r}")
    if options.get("profiler") is not None:
        options["profiler"] = _profiler(options["profiler"], config["paths"]["output_dir"])
    callbacks = {name: dict(part) for name, part in config["callbacks"].items() if part}
    if not has_dev:
        callbacks.pop("early_stopping", None)
        if "checkpoint" in callbacks:
            callbacks["checkpoint"]["monitor"] = None
    if not options.get("enable_progress_bar", True):
        callbacks.pop("progress", None)
    if not options.get("enable_checkpointing", True):
        for name in ("checkpoint", "last"):
            callbacks.pop(name, None)
    loggers = {name: part for name, part in config["logger"].items() if part}
    beside = {
        "callbacks": [
            _factory(part, _CALLBACKS, f"callbacks.{name}")() for name, part in callbacks.items()
        ],
        "logger": [_factory(part, _LOGGERS, f"logger.{name}")() for name, part in loggers.items()],
        "default_root_dir": config["paths"]["output_dir"],
        # The order of batches is shared out by the data module itself.
        "use_distributed_sampler": False,
    }
    if taken := options.keys() & beside:
        raise InputError(f"trainer: {sorted(taken)[0]!r} is not set here, but in its own group")
    return _call(L.Trainer, "trainer", **_known_options(L.Trainer, options, "trainer"), **beside)


def _profiler(name: str, folder: str) -> Profiler:
    if name not in _PROFILERS:
        raise InputError(
            f"trainer.profiler={name!r} is unknown{did_you_mean(str(name), _PROFILERS)}; "
            f"it is one of {', '.join(_PROFILERS)}"
        )
    return _PROFILERS[name](dirpath=folder, filename="profile")


def total_steps(trainer: L.Trainer, data: CorpusModule) -> int:
    """Return the number of optimizer steps that `trainer` will take at most.

    Worked out here, since asking Lightning for its estimate builds the loaders too early for an
    exact resume.

    Raises:
        InputError: if no batch of an epoch is to be used, or training is to go on for ever: there
            is no schedule over that.
    """
    share, batches = trainer.limit_train_batches, data.batches_per_epoch(trainer.world_size)
    used = min(batches, share) if isinstance(share, int) else int(batches * share)
    if not used:
        raise InputError(
            f"trainer.limit_train_batches={share}: that is none of the {batches} batches of an "
            "epoch; give a larger share, or a whole number"
        )
    steps = -(-used // trainer.accumulate_grad_batches) * (
        -1 if trainer.max_epochs is None else trainer.max_epochs
    )
    limits = [limit for limit in (steps, trainer.max_steps) if limit >= 0]
    if not limits:
        raise InputError("trainer: there is no end; set max_epochs or max_steps")
    return max(1, min(limits))


def _factory(part: Mapping[str, Any], names: tuple[str, ...], where: str) -> Callable[..., Any]:
    """Return what makes the object that `part` describes: the one place that heeds `_target_`.

    Values are handed over as they are: a `_target_` further down names nothing.
    """
    target = part.get("_target_")
    if target not in names:
        raise InputError(
            f"{where}: _target_ {target!r} is not allowed{did_you_mean(str(target), names)}; "
            f"it is one of {', '.join(names)}"
        )
    module, _, name = target.rpartition(".")
    cls = getattr(import_module(module), name)
    options = {key: value for key, value in part.items() if key != "_target_"}
    return partial(_call, cls, where, **_known_options(cls, options, where))


def _known_options(cls: type, options: dict[str, Any], where: str) -> dict[str, Any]:
    known = inspect.signature(cls).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        for key in options:
            if key not in known:
                raise InputError(f"{where}: unknown key {key!r}{did_you_mean(key, known)}")
    return options


def _call(cls: type, where: str, *arguments: Any, **options: Any) -> Any:
    try:
        return cls(*arguments, **options)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        extra = where.rpartition(".")[2]
        raise InputError(
            f"{where}: a package is missing; pip install 'seqtag[{extra}]' ({error})"
        ) from error
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise InputError(f"{where}: {error}") from error
