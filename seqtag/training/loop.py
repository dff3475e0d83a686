"""The whole program: train a tagger, evaluate one, look a corpus over. Read it top to bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from rich.console import Console

from seqtag.data.doctor import examine
from seqtag.data.findings import render
from seqtag.data.module import CorpusModule
from seqtag.errors import InputError
from seqtag.io.artifact import write_json
from seqtag.io.tagger import Tagger
from seqtag.report.tables import show_scores
from seqtag.training import build
from seqtag.training.evaluation import evaluate_split
from seqtag.training.scoring import TaggingScore
from seqtag.training.task import TaggingTask

log = logging.getLogger("seqtag")


def train(config: Mapping[str, Any]) -> dict[str, Any]:
    """Train a tagger as configured; return its figures and write its folder.

    Writes to ``paths.output_dir``: ``checkpoints/``, ``metrics.csv`` (by epoch),
    ``metrics.json`` (the best epoch's figures on the development and test splits) and
    ``model/``, the tagger in a folder.
    """
    L.seed_everything(config["seed"], workers=True, verbose=False)
    output = Path(config["paths"]["output_dir"])

    corpus = build.corpus(config["data"])
    for note in corpus.notes:
        log.info(note)
    encoder = build.encoder(config["data"], corpus)
    labels = build.label_set(config["data"], corpus)
    network = build.network(config["model"], config["cell"], encoder, labels)
    data = CorpusModule(corpus, encoder, labels, build.batch_config(config["data"]), config["seed"])

    has_dev = "dev" in corpus.splits
    trainer = build.trainer(config, has_dev)
    task = TaggingTask(
        network,
        TaggingScore.of_split(corpus, "dev" if has_dev else "train", labels),
        build.optimizer_factory(config["optimizer"]),
        build.schedule_factory(config["scheduler"], build.total_steps(trainer, data)),
    )
    if config["compile"]:
        network.compile()
    started = time.perf_counter()
    trainer.fit(task, data, ckpt_path=_checkpoint(config["ckpt_path"], output), weights_only=True)
    seconds = time.perf_counter() - started

    epoch = _load_best(task, trainer)
    tagger = Tagger(network, encoder, labels, config["cell"], build.portable(config["data"]))
    figures = {
        "seed": config["seed"],
        "seconds": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "best_epoch": epoch,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "splits": {},
    }
    for split in [split for split in ("dev", "test") if split in corpus.splits]:
        scores = evaluate_split(tagger, corpus, split, data.batch)
        figures["splits"][split] = scores
        show_scores(scores)
    tagger.save(output / "model", figures=figures)
    write_json(output / "metrics.json", figures)
    log.info("trained for %.0f s; the tagger is in %s", seconds, output / "model")
    return figures


def evaluate(config: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate a model folder on a split of a corpus; return and write the figures.

    Without ``data`` it is the corpus that the tagger was trained on; single keys
    (``+data.path=...``) change where that is found. Writes ``metrics.json``.
    """
    tagger = Tagger.load(config["model_dir"])
    data = dict(config["data"] or {})
    if "format" not in data:
        if tagger.data is None:
            raise InputError("the model folder does not tell its corpus; name one with data=...")
        data = {**tagger.data, **data}
    data["features"] = list(tagger.features)
    corpus = build.corpus(data, (config["split"],))
    if corpus.scheme != tagger.labels.corpus_scheme:
        raise InputError(
            f"the tagger's labels are {tagger.labels.corpus_scheme}, but the corpus's are "
            f"{corpus.scheme}; is data.label_column right?"
        )
    scores = evaluate_split(tagger, corpus, config["split"], build.batch_config(data))
    show_scores(scores)
    write_json(Path(config["paths"]["output_dir"]) / "metrics.json", scores)
    return scores


def check(config: Mapping[str, Any]) -> int:
    """Print what the data doctor finds in a corpus; return 1 if there are errors, else 0."""
    report = examine(build.corpus(config["data"]))
    console = Console()
    render(report, console)
    return 1 if report.errors else 0


def _checkpoint(path: str | None, output: Path) -> str | None:
    if path is None:
        return None
    found = output / "checkpoints" / "last.ckpt" if path == "last" else Path(path)
    if not found.is_file():
        raise InputError(f"ckpt_path: there is no checkpoint {str(found)!r}")
    return str(found)


def _load_best(task: TaggingTask, trainer: L.Trainer) -> int:
    """Load the best epoch's weights, where checkpoints were kept; return that epoch."""
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not best:
        return trainer.current_epoch
    checkpoint = torch.load(best, map_location="cpu", weights_only=True)
    task.load_state_dict(checkpoint["state_dict"])
    return checkpoint["epoch"] + 1


