"""The verb `train`: train a tagger, evaluate it and write it to a model folder."""

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
def train(settings: TrainSettings, show: bool = True) -> dict[str, Any]:
    """Train a tagger, evaluate it and write its model folder; return the figures.

    The scores are printed, unless `show` is false.

    Writes to ``paths.output_dir``: ``checkpoints/``, ``metrics.csv`` (figures per epoch),
    ``metrics.json`` (figures of the best epoch on the dev and test splits), ``model/`` (the
    tagger), and ``run.json`` (the record of the run, see `sweeps.records`).
    """
    training = settings.training
    seed_everything(training.seed)
    output = Path(training.output_dir)

    corpus = build.training_corpus(training)
    for note in corpus.notes:
        log.info(note)
    tagger, figures = fit(training, corpus)

    # Saved first without scores, in case the evaluation fails.
    tagger.save(output / "model", figures=figures)
    figures["splits"] = {
        split: evaluate_split(tagger, corpus, split, training.data.batch, training.metric)
        for split in ("dev", "test")
        if split in corpus.splits
    }
    tagger.save(output / "model", figures=figures)
    write_json(output / "metrics.json", figures)
    for split, scores in figures["splits"].items() if show else ():
        # Details by label and by factor only for the last split.
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
    """Train on a follower rank with the settings that the leader sends; return the exit code."""

    def train_along(plain_settings: dict[str, Any]) -> None:
        training = TrainingSettings.from_plain(plain_settings)
        seed_everything(training.seed)
        # Only the leader needs the test split of a generated corpus.
        generated = isinstance(training.data.corpus, ProbeCorpusConfig)
        fit(training, build.training_corpus(training, ("train", "dev") if generated else None))

    return leader.follow(train_along)
