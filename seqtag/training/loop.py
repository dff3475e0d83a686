"""The whole program: train a tagger, evaluate one, look a corpus over. Read it top to bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from seqtag.data.doctor import examine, examine_vectors
from seqtag.data.findings import render
from seqtag.data.module import CorpusModule
from seqtag.data.sources import Corpus
from seqtag.errors import InputError, RunStopped
from seqtag.io.small import write_json
from seqtag.io.tagger import Tagger
from seqtag.recurrent.engines import set_engine
from seqtag.report.tables import show_scores
from seqtag.sweeps.records import recorded
from seqtag.terminal import console
from seqtag.training import build, ranks
from seqtag.training.checkpoint_checks import outline
from seqtag.training.checkpoints import checkpoint_to_resume, load_best
from seqtag.training.console import quiet
from seqtag.training.earlier_run import set_aside_earlier_run
from seqtag.training.evaluated import corpus_to_evaluate
from seqtag.training.evaluation import evaluate_split
from seqtag.training.finite import require_finite_weights
from seqtag.training.place import current_place
from seqtag.training.preemption import handlers_restored
from seqtag.training.ranks import require_work_for_all, together, told_by
from seqtag.training.scoring import TaggingScore
from seqtag.training.task import TaggingTask
from seqtag.training.team import is_broken
from seqtag.training.trainer import (
    build_trainer,
    optimizer_factory,
    schedule_factory,
    total_steps,
    weights_dtype,
)

log = logging.getLogger("seqtag")


class Fitted(NamedTuple):
    """What training ends with.

    Attributes:
        tagger: the tagger, with the best epoch's weights.
        figures: seed, seconds, epochs, best_epoch, parameters, sequences (seen in training) and
            dev_metric (the last one).
    """

    tagger: Tagger
    figures: dict[str, Any]


@quiet()
@recorded
def train(config: Mapping[str, Any]) -> dict[str, Any]:
    """Train a tagger as configured; return its figures and write its folder.

    Writes to ``paths.output_dir``: ``checkpoints/``, ``metrics.csv`` (by epoch),
    ``metrics.json`` (the best epoch's figures on the development and test splits), ``model/``, the
    tagger in a folder, and ``run.json``, by which it is not trained again (see `sweeps.records`).
    """
    seed_everything(config["seed"])
    output = Path(config["paths"]["output_dir"])

    corpus = build.training_corpus(config)
    for note in corpus.notes:
        log.info(note)
    batches = build.batch_config(config["data"])
    tagger, figures = fit(config, corpus)

    # Saved before anything else is done with it, and again with the figures.
    tagger.save(output / "model", figures=figures)
    figures["splits"] = {
        split: evaluate_split(tagger, corpus, split, batches)
        for split in ("dev", "test")
        if split in corpus.splits
    }
    tagger.save(output / "model", figures=figures)
    write_json(output / "metrics.json", figures)
    for split, scores in figures["splits"].items():
        # By label and by factor only once, for the split that says most.
        show_scores(scores, details=split == "test" or "test" not in corpus.splits)
    log.info(
        "trained for %.0f s, best epoch %d of %d; the tagger is in %s",
        figures["seconds"],
        figures["best_epoch"],
        figures["epochs"],
        output / "model",
    )
    return figures


def fit(config: Mapping[str, Any], corpus: Corpus) -> Fitted:
    """Train a network on the corpus's training split, choosing the epoch by the development one.

    On several processes each calls this; what the leader returns is meant.
    """
    encoder = build.encoder(config["data"], corpus)
    labels = build.label_set(config["data"], corpus)
    network = build.network(config["model"], config["cell"], encoder, labels)
    set_engine(network, config["engine"])
    data = CorpusModule(corpus, encoder, labels, build.batch_config(config["data"]), config["seed"])

    # Now, as Lightning converts it only after it has restored the weights of a checkpoint.
    network.to(weights_dtype(config["trainer"]["precision"]))
    has_dev = "dev" in corpus.splits
    trainer = build_trainer(config, has_dev)
    require_work_for_all(trainer.world_size, len(corpus.splits["train"]), data.batch)
    task = TaggingTask(
        network,
        TaggingScore.of_split(corpus, "dev" if has_dev else "train", labels),
        optimizer_factory(config["optimizer"], config["trainer"]["precision"]),
        schedule_factory(config["scheduler"], total_steps(trainer, data)),
    )
    output = Path(config["paths"]["output_dir"])
    resumed = checkpoint_to_resume(config["ckpt_path"], output, outline(trainer, task, data))
    if current_place().leads:
        set_aside_earlier_run(output, resumed)
    with (
        build.compiled(network, config["compile"]),
        together(trainer, config, lambda: told_by(corpus, encoder, labels, resumed)),
    ):
        started = time.perf_counter()
        _run(trainer, task, data, resumed)
        seconds = time.perf_counter() - started

    # Those that follow may not even see the leader's folder.
    epoch = load_best(task, trainer) if trainer.is_global_zero else trainer.current_epoch
    require_finite_weights(network)
    # The folder holds single precision, and the figures are to be those of what it holds.
    network.float()
    tagger = Tagger(network, encoder, labels, config["cell"], build.portable(config["data"]))
    figures = {
        "seed": config["seed"],
        "seconds": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "best_epoch": epoch,
        "sequences": data.sequences_after(trainer.global_step * trainer.accumulate_grad_batches),
        "dev_metric": task.dev_metric,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }
    return Fitted(tagger, figures)


@quiet()
def follow() -> int:
    """Train whatever the process that leads this one trains; return the exit code."""

    def train_along(config: dict[str, Any]) -> None:
        seed_everything(config["seed"])
        # On what is generated nobody but the leader tests.
        splits = ("train", "dev") if config["data"]["format"] == "probe" else None
        fit(config, build.training_corpus(config, splits))

    return ranks.follow(train_along)


def evaluate(config: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate a model folder on a split of a corpus; return and write the figures.

    ``data.path=...`` says where the corpus is, which is read as that of the training was, unless
    ``data=...`` gives a layout of its own. Writes ``metrics.json``.
    """
    tagger = Tagger.load(config["model_dir"])
    set_engine(tagger.network, config["engine"])
    split = config["split"]
    corpus, batches = corpus_to_evaluate(tagger, Path(config["model_dir"]), config["data"], split)
    scores = evaluate_split(tagger, corpus, split, batches)
    write_json(Path(config["paths"]["output_dir"]) / "metrics.json", scores)
    show_scores(scores)
    return scores


def check(config: Mapping[str, Any]) -> int:
    """Print what the data doctor finds in a corpus; return 1 if there are errors, else 0."""
    corpus = build.corpus(config["data"])
    report = examine(corpus)
    if config["vectors"] is not None and "train" in corpus.splits:
        report = report.with_finding(examine_vectors(config["vectors"], corpus))
    console().print(render(report))
    return report.exit_code


def seed_everything(seed: Any) -> None:
    """Seed every source of chance.

    Raises:
        InputError: if `seed` is no whole number that fits into 32 bits.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise InputError(f"seed must be a whole number from 0 to 2^32 - 1, not {seed!r}")
    L.seed_everything(seed, workers=True, verbose=False)


def _run(trainer: L.Trainer, task: TaggingTask, data: CorpusModule, resumed: str | None) -> None:
    try:
        with handlers_restored():
            _fit(trainer, task, data, resumed)
    except (InputError, RunStopped):
        raise
    except MisconfigurationException as error:
        raise InputError(f"trainer: {error}") from error
    except RuntimeError as error:
        if "Early stopping conditioned" in str(error):
            raise InputError(f"callbacks.early_stopping.monitor: {error}") from error
        if "DataLoader worker" not in str(error):
            raise
        raise RunStopped(
            "a process that prepares batches died; was memory short? The same command with "
            f"ckpt_path=last goes on, and data.batch.workers=0 does without ({error})"
        ) from error
    except SIGTERMException:
        raise RunStopped("stopped by SIGTERM; there is no checkpoint of it", 143) from None
    except SystemExit as error:
        # Lightning's answer to Ctrl-C; the caller has its own.
        if type(error) is SystemExit and trainer.interrupted:
            raise KeyboardInterrupt from None
        raise


def _fit(trainer: L.Trainer, task: TaggingTask, data: CorpusModule, resumed: str | None) -> None:
    """Have Lightning train; what it cannot restore is a fault of the checkpoint."""
    try:
        trainer.fit(task, data, ckpt_path=resumed, weights_only=True)
    except (InputError, RunStopped, MisconfigurationException):
        raise
    except Exception as error:
        if resumed is None or task.begun or is_broken(error):
            raise
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(
            f"ckpt_path: {resumed!r} cannot be continued from, and nothing was trained: {reason}"
        ) from error
