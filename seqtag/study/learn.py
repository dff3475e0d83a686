"""The regime learn: trained at one lag alone, which lags can the gradient still teach."""

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

# Tokens that the training items of one lag may have in all: they go through memory as a whole.
_MOST_TOKENS = 4_000_000
_FEWEST = 1000
# Fresh items that a tagger is asked at the end.
_CONFIRM = 500


def learn(
    settings: TrainingSettings, regime: LearnConfig, probe: Probe, resume: bool = False
) -> dict[str, Any]:
    """Train from scratch at each of ``regime.lags``; write a row each to ``learn.csv``.

    Once a lag is solved training stops, and the sequences seen so far are what it took; see
    `LearnConfig`. Returns, as the score "lags", the share of them that was learned.

    Args:
        settings: of the training.
        regime: at which lags, and for how long.
        probe: what is learned.
        resume: keep the rows that the same run has left, and do not train at their lags again.
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
    fitting = max(_FEWEST, _MOST_TOKENS // (lag + 1))
    items_of = settings.data.corpus
    items_of = replace(items_of, lag=lag, train=min(items_of.train, fitting))
    description = {**settings.data.description, "lag": lag, "train": items_of.train}
    data = replace(settings.data, corpus=items_of, description=description)
    corpus = build.corpus(items_of, ("train", "dev"))
    # Of the kind that was trained on, but none that any decision was made by.
    items = probe.generate(_CONFIRM, "dev", probe.factors_at_lag(lag), items_of.seed + 1)
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

    Of a whole item one wrong target is enough: at worst each stands in an item of its own.
    """
    return 1 - (1 - solved) / targets if probe.whole else solved


def _accuracy(probe: Probe, tagger: Tagger, items: Sequence[ProbeItem]) -> float:
    """Return the share of targets that a tagger is right about, or of whole items."""
    said = iter(predict(tagger, items).labels)
    right = [[next(said) == item.labels[target] for target in item.targets] for item in items]
    judged = (
        [all(item) for item in right] if probe.whole else [one for item in right for one in item]
    )
    return sum(judged) / len(judged)


def _within_budget(
    settings: TrainingSettings, regime: LearnConfig, corpus: Corpus, share: float
) -> TrainingSettings:
    """Return the settings for one lag: its budget, its evaluations, and its end."""
    train = corpus.splits["train"]
    order = BatchOrder(lengths_of(train), settings.data.batch, shuffle=True)
    # Batches hold sequences of about one length, so that not all of them are full.
    sequences = len(train) / len(order)
    trainer = replace(
        settings.trainer,
        max_epochs=-1,
        max_steps=math.ceil(regime.budget / sequences),
        val_check_interval=max(1, round(regime.check / sequences)),
        check_val_every_n_epoch=None,  # the interval goes on over epochs
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
