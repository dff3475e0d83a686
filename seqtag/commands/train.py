"""The verb `train`: train a tagger, score it and write it into a folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqtag.distributed import leader
from seqtag.files import write_json
from seqtag.report.tables import show_scores
from seqtag.sweeps.records import recorded
from seqtag.training import build
from seqtag.training.console import quiet
from seqtag.training.evaluation import evaluate_split
from seqtag.training.fit import fit, seed_everything

log = logging.getLogger("seqtag")


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
        split: evaluate_split(tagger, corpus, split, batches, config["metric"])
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


@quiet()
def follow() -> int:
    """Train whatever the process that leads this one trains; return the exit code."""

    def train_along(config: dict[str, Any]) -> None:
        seed_everything(config["seed"])
        # On what is generated nobody but the leader tests.
        splits = ("train", "dev") if config["data"]["format"] == "probe" else None
        fit(config, build.training_corpus(config, splits))

    return leader.follow(train_along)
