"""The whole program: train a tagger, evaluate one. Read from top to bottom."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch

from seqtag.data.module import CorpusModule
from seqtag.io.artifact import write_json
from seqtag.io.tagger import Tagger
from seqtag.report.tables import show_scores
from seqtag.training import build
from seqtag.training.evaluation import evaluate_split
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
    encoder = build.encoder(config["data"], config["model"], corpus)
    labels = build.label_set(config["data"], corpus)
    network = build.network(config["model"], config["cell"], encoder, labels)
    data = CorpusModule(corpus, encoder, labels, build.batch_config(config["data"]), config["seed"])

    trainer = build.trainer(config, has_dev="dev" in corpus.splits)
    total_steps = build.total_steps(trainer, data)
    task = TaggingTask(
        network,
        build.scores(corpus, encoder, labels),
        build.optimizer_factory(config["optimizer"]),
        build.schedule_factory(config["scheduler"], total_steps),
    )
    if config["compile"]:
        network.compile()
    started = time.perf_counter()
    trainer.fit(task, data, ckpt_path=build.checkpoint_path(config), weights_only=True)
    seconds = time.perf_counter() - started

    load_best(network, trainer)
    tagger = Tagger(network, encoder, labels, config["cell"], config["data"])
    figures = {
        "seconds": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "splits": {},
    }
    for split in ("dev", "test"):
        if split in corpus.splits:
            scores = evaluate_split(tagger, corpus, split, data.batch)
            figures["splits"][split] = scores
            show_scores(scores)
    tagger.save(output / "model", figures=figures)
    write_json(output / "metrics.json", figures)
    return figures
