"""The regime learn: train at each lag alone, to see which lags can be learned by gradient."""

import csv
import io
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqtag.columns import LEARN
from seqtag.data.batches.order import BatchOrder
from seqtag.data.corpus.corpus import Corpus
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.files import open_output
from seqtag.probes.base import Probe, ProbeItem
from seqtag.probes.config import LearnConfig
from seqtag.study.describe import run_columns
from seqtag.study.judge import predict
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.fit import fit, seed_everything
from seqtag.training.settings import TrainingSettings

log = logging.getLogger("seqtag")

# Limit on the tokens of all training items of one lag, which are held in memory.
_MAX_TOKENS = 4_000_000
_MIN_ITEMS = 1000
# Fresh items that a tagger is judged on at the end.
_FINAL_ITEMS = 500


def learn(
    settings: TrainingSettings, regime: LearnConfig, probe: Probe, resume: bool = False
) -> dict[str, Any]:
    """Train from scratch at each of ``regime.lags``; write one row for each to ``learn.csv``.

    Training at a lag stops once it is solved; the row has the number of sequences seen by then,
    see `LearnConfig`. Returns the share of lags that were solved, as the score "lags".

    Args:
        settings: of the training.
        regime: the lags, and the budget for each.
        probe: the probe to learn.
        resume: keep the rows that an interrupted run has written, and train only at other lags.
    """
    output = Path(settings.output_dir)
    lags = regime.lags
    rows = _read(output / LEARN) if resume else []
    missed = 0
    for lag in lags:
        row = next((row for row in rows if int(row["lag"]) == lag), None)
        if row is None:
            row = _learn_lag(settings, probe, regime, lag)
            rows.append(row)
            _write(output / LEARN, rows)
            log.info(
                "lag %d: %s after %d sequences, accuracy %.3f",
                *(lag, "solved" if row["solved"] else "not solved"),
                *(row["sequences"], row["accuracy"]),
            )
        missed = 0 if str(row["solved"]) == "True" else missed + 1
        if missed == regime.give_up:
            log.info("%d lags in a row were not solved; longer ones are not tried", missed)
            break
    solved = sum(str(row["solved"]) == "True" for row in rows)
    return {"scores": {"lags": solved / len(lags)}}


def _learn_lag(
    settings: TrainingSettings, probe: Probe, regime: LearnConfig, lag: int
) -> dict[str, Any]:
    """Train at one lag and return its row."""
    seed_everything(settings.seed)
    fitting = max(_MIN_ITEMS, _MAX_TOKENS // (lag + 1))
    items_of = settings.data.corpus
    items_of = replace(items_of, lag=lag, train=min(items_of.train, fitting))
    description = {**settings.data.description, "lag": lag, "train": items_of.train}
    data = replace(settings.data, corpus=items_of, description=description)
    corpus = build.corpus(items_of, ("train", "dev"))
    # New items, which played no part in training or in stopping it.
    items = probe.generate(_FINAL_ITEMS, "dev", probe.factors_at_lag(lag), items_of.seed + 1)
    share = _share_of_targets(probe, regime.solved, len(items[0].targets))
    settings = _within_budget(replace(settings, data=data), regime, corpus, share)
    tagger, figures = fit(settings, corpus)
    columns = run_columns(settings, tagger)
    return {
        "run": columns.pop("run"),
        "probe": probe.name,
        **columns,
        "lag": lag,
        "budget": regime.budget,
        "solved": figures["dev_metric"] > share,
        "sequences": figures["sequences"],
        "accuracy": round(_accuracy(probe, tagger, items), 4),
    }


def _share_of_targets(probe: Probe, solved: float, targets: int) -> float:
    """Return the share of right targets above which more than `solved` of the items are right.

    One wrong target makes a whole item wrong; in the worst case each is in a different item.
    """
    return 1 - (1 - solved) / targets if probe.whole else solved


def _accuracy(probe: Probe, tagger: Tagger, items: Sequence[ProbeItem]) -> float:
    """Return the share of right targets, or of right items if the probe judges whole items."""
    predicted = iter(predict(tagger, items).labels)
    right = [[next(predicted) == item.labels[target] for target in item.targets] for item in items]
    judged = (
        [all(item) for item in right] if probe.whole else [one for item in right for one in item]
    )
    return sum(judged) / len(judged)


def _within_budget(
    settings: TrainingSettings, regime: LearnConfig, corpus: Corpus, share: float
) -> TrainingSettings:
    """Return the settings for one lag: with its budget, evaluation interval and stopping."""
    train = corpus.splits["train"]
    order = BatchOrder(lengths_of(train), settings.data.batch, shuffle=True)
    # Batches hold sequences of similar length, so not all are full: this is the mean size.
    sequences = len(train) / len(order)
    trainer = replace(
        settings.trainer,
        max_epochs=-1,
        max_steps=math.ceil(regime.budget / sequences),
        val_check_interval=max(1, round(regime.check / sequences)),
        check_val_every_n_epoch=None,  # the interval counts steps across epochs
        enable_checkpointing=False,
    )
    stopping = settings.callbacks["early_stopping"]
    stopping = replace(stopping, options={**stopping.options, "stopping_threshold": share})
    callbacks = {**settings.callbacks, "early_stopping": stopping}
    return replace(settings, trainer=trainer, callbacks=callbacks)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    with open_output(str(path)) as file:
        file.write(text.getvalue().encode())
