"""The verb `train`: train a tagger, evaluate it and write it to a model folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from seqtag.commands.settings import TrainSettings
from seqtag.data.corpus.corpus import Corpus
from seqtag.distributed import leader
from seqtag.files import write_json
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.report.tables import show_scores
from seqtag.sweeps.records import recorded
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.console import quiet
from seqtag.training.evaluation import evaluate_split
from seqtag.training.findings import Findings, model_title
from seqtag.training.fit import fit, seed_everything
from seqtag.training.settings import TrainingSettings

log = logging.getLogger("seqtag")

# Number of sentences that errors.html shows for each kind of error.
_ERRORS = 20


@quiet()
@recorded
def train(settings: TrainSettings, show: bool = True) -> dict[str, Any]:
    """Train a tagger, evaluate it and write its model folder; return the figures.

    The scores are printed, unless `show` is false.

    Writes to ``paths.output_dir``: ``checkpoints/``, ``metrics.csv`` (figures per epoch),
    ``metrics.json`` (figures of the best epoch on the dev and test splits), ``model/`` (the
    tagger), the errors on the last split (see `training.findings`), and ``run.json`` (the record of
    the run, see `sweeps.records`).
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
    splits = [split for split in ("dev", "test") if split in corpus.splits]
    figures["splits"] = {}
    for split in splits:
        # Items of a probe are judged by their factors, not one by one.
        detailed = split == splits[-1] and not isinstance(training.data.corpus, ProbeCorpusConfig)
        figures["splits"][split] = _scores(tagger, corpus, split, training, detailed)
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


def _scores(
    tagger: Tagger, corpus: Corpus, split: str, training: TrainingSettings, detailed: bool
) -> dict[str, Any]:
    """Return the scores of a split; if `detailed`, also write its predictions and errors."""
    options = (tagger, corpus, split, training.data.batch, training.metric)
    if not detailed:
        return evaluate_split(*options)
    output = Path(training.output_dir)
    with Findings.in_folder(output, tagger.labels, _ERRORS) as findings:
        scores = evaluate_split(*options, findings)
    findings.write(f"Errors of {model_title(output / 'model')} ({split} split)", scores)
    return scores


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
