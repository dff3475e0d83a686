"""The verb `train`: train a tagger, score it and write it into a folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from seqtag.commands.settings import TrainSettings
from seqtag.distributed import leader
from seqtag.files import write_json
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.report.tables import show_scores
from seqtag.sweeps.records import recorded
from seqtag.training import build
from seqtag.training.console import quiet
from seqtag.training.evaluation import evaluate_split
from seqtag.training.fit import fit, seed_everything
from seqtag.training.settings import TrainingSettings

log = logging.getLogger("seqtag")


@quiet()
@recorded
def train(settings: TrainSettings) -> dict[str, Any]:
    """Train a tagger; return its figures and write its folder.

    Writes to ``paths.output_dir``: ``checkpoints/``, ``metrics.csv`` (by epoch),
    ``metrics.json`` (the best epoch's figures on the development and test splits), ``model/``, the
    tagger in a folder, and ``run.json``, by which it is not trained again (see `sweeps.records`).
    """
    training = settings.training
    seed_everything(training.seed)
    output = Path(training.output_dir)

    corpus = build.training_corpus(training)
    for note in corpus.notes:
        log.info(note)
    tagger, figures = fit(training, corpus)

    # Saved before anything else is done with it, and again with the figures.
    tagger.save(output / "model", figures=figures)
    figures["splits"] = {
        split: evaluate_split(tagger, corpus, split, training.data.batch, training.metric)
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
    """Train along with the process that leads this one; return the exit code."""

    def train_along(order: dict[str, Any]) -> None:
        training = TrainingSettings.from_plain(order)
        seed_everything(training.seed)
        # The leader alone tests on what is generated.
        generated = isinstance(training.data.corpus, ProbeCorpusConfig)
        fit(training, build.training_corpus(training, ("train", "dev") if generated else None))

    return leader.follow(train_along)
