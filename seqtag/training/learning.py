"""The regime learn: trained at one lag alone, which lags can the gradient still teach."""

from __future__ import annotations

import csv
import io
import logging
import math
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqtag.data.batches import BatchOrder
from seqtag.data.mapped import lengths_of
from seqtag.data.sources import Corpus
from seqtag.errors import InputError
from seqtag.io.writing import open_output
from seqtag.probes.base import Probe
from seqtag.probes.run import predict
from seqtag.probes.tables import LEARN
from seqtag.training import build
from seqtag.training.loop import fit, seed_everything
from seqtag.training.runs import about

log = logging.getLogger("seqtag")

# Tokens that the training items of one lag may have in all: they go through memory as a whole.
_MOST_TOKENS = 4_000_000
_FEWEST = 1000
# Fresh items that a tagger is asked at the end.
_CONFIRM = 500


def learn(config: Mapping[str, Any], probe: Probe) -> dict[str, Any]:
    """Train from scratch at each of ``regime.lags``; write a row each to ``learn.csv``.

    A lag is solved when more than ``regime.solved`` of the development items are right; training
    then stops, and the sequences seen so far are what it took. After ``regime.give_up`` lags in a
    row that were not solved within the budget, longer ones are not tried. Rows of an interrupted
    run in the same folder are kept, and their lags not trained again. Returns, as the score
    "lags", the share of them that was learned.
    """
    output = Path(config["paths"]["output_dir"])
    regime = config["regime"]
    lags = regime["lags"]
    if not lags or sorted(set(lags)) != list(lags):
        raise InputError(f"regime.lags must rise, and there must be one: {lags}")
    for lag in lags:
        probe.generate(0, "train", probe.at_lag(lag), 0)  # refuses a lag that there is not
    rows = _read(output / LEARN)
    missed = 0
    for lag in lags:
        row = next((row for row in rows if int(row["lag"]) == lag), None)
        if row is None:
            row = _learn_lag(config, probe, lag)
            rows.append(row)
            _write(output / LEARN, rows)
            log.info(
                "lag %d: %s after %d sequences, accuracy %.3f",
                *(lag, "solved" if row["solved"] else "not solved"),
                *(row["sequences"], row["accuracy"]),
            )
        missed = 0 if str(row["solved"]) == "True" else missed + 1
        if missed == regime["give_up"]:
            log.info("%d lags in a row were not solved; longer ones are not tried", missed)
            break
    solved = sum(str(row["solved"]) == "True" for row in rows)
    return {"scores": {"lags": solved / len(lags)}}


def _learn_lag(config: Mapping[str, Any], probe: Probe, lag: int) -> dict[str, Any]:
    """Train at one lag and return its row."""
    seed_everything(config["seed"])
    fitting = max(_FEWEST, _MOST_TOKENS // (lag + 1))
    data = {**config["data"], "lag": lag, "train": min(config["data"]["train"], fitting)}
    corpus = build.corpus(data, ("train", "dev"))
    tagger, figures = fit({**config, "data": data, **_training(config, corpus)}, corpus)
    columns = about(config, tagger)
    data_seed = columns.pop("data_seed")
    # Of the kind that was trained on, but none that any decision was made by.
    items = probe.generate(_CONFIRM, "dev", probe.at_lag(lag), data_seed + 1)
    gold = [item.labels[target] for item in items for target in item.targets]
    said = predict(tagger, items).labels
    return {
        "run": columns.pop("run"),
        "probe": probe.name,
        **columns,
        "lag": lag,
        "budget": config["regime"]["budget"],
        "solved": figures["dev_metric"] > config["regime"]["solved"],
        "sequences": figures["sequences"],
        "accuracy": round(sum(map(operator.eq, said, gold)) / len(gold), 4),
    }


def _training(config: Mapping[str, Any], corpus: Corpus) -> dict[str, Any]:
    """Return the groups `trainer` and `callbacks` for one lag: its budget, looks, and end."""
    regime, train = config["regime"], corpus.splits["train"]
    order = BatchOrder(lengths_of(train), build.batch_config(config["data"]), shuffle=True)
    # Batches hold sequences of about one length, so that not all of them are full.
    sequences = len(train) / len(order)
    trainer = {
        **config["trainer"],
        "max_epochs": -1,
        "max_steps": math.ceil(regime["budget"] / sequences),
        "val_check_interval": max(1, round(regime["check"] / sequences)),
        "check_val_every_n_epoch": None,  # the interval goes on over epochs
        "enable_checkpointing": False,
    }
    stopping = {**config["callbacks"]["early_stopping"], "stopping_threshold": regime["solved"]}
    return {"trainer": trainer, "callbacks": {**config["callbacks"], "early_stopping": stopping}}


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
