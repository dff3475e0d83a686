"""Train a tagger on a corpus; the result has the weights of the best epoch."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import lightning as L

from seqtag.data.batches.module import CorpusModule
from seqtag.data.corpus.corpus import Corpus
from seqtag.model.size import count_parameters
from seqtag.recurrent.engines.registry import set_engine
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.finite import require_finite_weights
from seqtag.training.freeze import freeze
from seqtag.training.initial.start import Start
from seqtag.training.label_checks import check_labels
from seqtag.training.resume.find import load_best
from seqtag.training.run import run
from seqtag.training.scoring import TaggingScore
from seqtag.training.settings import TrainingSettings
from seqtag.training.task import TaggingTask
from seqtag.training.trainer import (
    build_trainer,
    optimizer_factory,
    schedule_factory,
    total_steps,
    weights_dtype,
)

log = logging.getLogger("seqtag")


class FitResult(NamedTuple):
    """Result of a training.

    Attributes:
        tagger: the tagger, with the weights of the best epoch.
        summary: seed, seconds, epochs, best_epoch, parameters (of the network),
            encoder_parameters, sequences (number seen in training) and dev_metric (of the last
            evaluation).
    """

    tagger: Tagger
    summary: dict[str, Any]


def fit(settings: TrainingSettings, corpus: Corpus) -> FitResult:
    """Train a tagger on the training split; choose the best epoch on the development split.

    Args:
        settings: the settings of the run.
        corpus: the corpus; without a development split the last epoch is the best one.

    Raises:
        InputError, RunStopped: see `training.run.run`; RunStopped also for weights that are not
            finite.
    """
    start = Start(settings.init) if settings.init is not None else None
    indexer = build.indexer(settings.data, settings.model, corpus, start)
    labels = build.label_set(settings.data.tag_scheme, corpus, start)
    check_labels(corpus, labels, start.new_labels(labels) if start is not None else ())
    model = build.sized_model(settings, indexer)
    network = build.network(model, settings.cell, indexer, labels, corpus, start)
    freeze(network, settings.freeze or ())
    set_engine(network, settings.engine)
    log.info(
        "network: %s parameters, %s known words, %s labels",
        f"{count_parameters(network):,}",
        f"{len(indexer.words):,}",
        f"{len(labels):,}",
    )
    data = CorpusModule(corpus, indexer, labels, settings.data.batch, settings.seed)

    # Convert now: Lightning converts only after it has restored the weights of a checkpoint.
    network.to(weights_dtype(settings.trainer.precision))
    has_dev = "dev" in corpus.splits
    scored = "dev" if has_dev else "train"
    num_trained = indexer.words.num_trained
    score = TaggingScore.of_split(corpus, scored, labels, settings.metric, num_trained)
    trainer = build_trainer(settings, has_dev, score.higher_is_better)
    task = TaggingTask(
        network,
        score,
        optimizer_factory(settings.optimizer, settings.trainer.precision),
        schedule_factory(settings.scheduler, total_steps(trainer, data)),
    )
    with build.compiled(network, settings.compile):
        seconds = run(trainer, task, data, settings)

    epoch = load_best(task, trainer)
    require_finite_weights(network)
    # The model folder holds single precision, and the scores must be those of the saved model.
    network.float()
    tagger = Tagger(
        network, indexer, labels, settings.cell, build.with_absolute_path(settings.data.description)
    )
    summary = {
        "seed": settings.seed,
        "seconds": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "best_epoch": epoch,
        "sequences": data.sequences_after(trainer.global_step * trainer.accumulate_grad_batches),
        "dev_metric": task.dev_metric,
        "parameters": count_parameters(network),
        "encoder_parameters": count_parameters(network.encoder),
    }
    return FitResult(tagger, summary)


def seed_everything(seed: int) -> None:
    """Seed the random generators of Python, numpy and torch."""
    L.seed_everything(seed, workers=True, verbose=False)
