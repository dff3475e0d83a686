"""The whole program: train a tagger, evaluate one, look a corpus over. Read it top to bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from seqtag.data.batches.module import CorpusModule
from seqtag.data.corpus.corpus import Corpus
from seqtag.distributed.leader import require_work_for_all, together, told_by
from seqtag.distributed.place import current_place
from seqtag.distributed.team import is_broken
from seqtag.errors import InputError, RunStopped
from seqtag.recurrent.engines.registry import set_engine
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.finite import require_finite_weights
from seqtag.training.resume.compatible import outline
from seqtag.training.resume.earlier_run import set_aside_earlier_run
from seqtag.training.resume.find import checkpoint_to_resume, load_best
from seqtag.training.resume.signals import handlers_restored
from seqtag.training.scoring import TaggingScore
from seqtag.training.task import TaggingTask
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


def fit(config: Mapping[str, Any], corpus: Corpus) -> Fitted:
    """Train a network on the corpus's training split, choosing the epoch by the development one.

    On several processes each calls this; what the leader returns is meant.
    """
    indexer = build.indexer(config["data"], corpus)
    labels = build.label_set(config["data"], corpus)
    network = build.network(config["model"], config["cell"], indexer, labels)
    set_engine(network, config["engine"])
    data = CorpusModule(corpus, indexer, labels, build.batch_config(config["data"]), config["seed"])

    # Now, as Lightning converts it only after it has restored the weights of a checkpoint.
    network.to(weights_dtype(config["trainer"]["precision"]))
    has_dev = "dev" in corpus.splits
    trainer = build_trainer(config, has_dev)
    require_work_for_all(trainer.world_size, len(corpus.splits["train"]), data.batch)
    task = TaggingTask(
        network,
        TaggingScore.of_split(corpus, "dev" if has_dev else "train", labels, config["metric"]),
        optimizer_factory(config["optimizer"], config["trainer"]["precision"]),
        schedule_factory(config["scheduler"], total_steps(trainer, data)),
    )
    output = Path(config["paths"]["output_dir"])
    resumed = checkpoint_to_resume(config["ckpt_path"], output, outline(trainer, task, data))
    if current_place().leads:
        set_aside_earlier_run(output, resumed)
    with (
        build.compiled(network, config["compile"]),
        together(trainer, config, lambda: told_by(corpus, indexer, labels, resumed)),
    ):
        started = time.perf_counter()
        _run(trainer, task, data, resumed)
        seconds = time.perf_counter() - started

    # Those that follow may not even see the leader's folder.
    epoch = load_best(task, trainer) if trainer.is_global_zero else trainer.current_epoch
    require_finite_weights(network)
    # The folder holds single precision, and the figures are to be those of what it holds.
    network.float()
    tagger = Tagger(network, indexer, labels, config["cell"], build.portable(config["data"]))
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
