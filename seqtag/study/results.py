"""Results of finished probe runs as rows of small CSV files, to which runs add up piece by piece.

A file holds one study; a row is a run on one slice of its judged items: a value of the probe's main
factor, or all items within or beyond the training range. Columns of a row:

    study         the name of the file
    probe, version, task: the probe, its version, and what it asks for, see `TASKS`
    encoder, cell, start: recurrent or the encoder's name; the cell with its options, or the
                  encoder with its options; how gate biases start
    direction, layers, hidden, parameters: sizes of the network
    config        a digest of all settings except the seed, the folder and what only shows progress
    seed, data_seed: of training, of the generated items
    train, epochs, sequences: training items, passes over them, and their product: the budget
    batch, lr, weight_decay: sentences in a batch, highest learning rate, weight decay
    seconds       how long the run took, on whatever machine it ran
    seqtag        the version of seqtag that added the row
    table, split, slice: "main", or a table that no average includes; the split; "axis", "within" or
                  "beyond"
    axis, value   the main factor, and its value in an "axis" slice
    n, accuracy, low, high: answers, share of right ones, and the ends of Wilson's 95 % interval
    last          the same share of the last target of each item, where items have several
    chance        accuracy of guessing
    baseline, baseline_accuracy: the baseline that is right most often, and how often
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seqtag import __version__
from seqtag.columns import AXIS, BEYOND, RUN, WITHIN
from seqtag.errors import InputError
from seqtag.model_folder.untrusted import read_object, read_untrusted
from seqtag.study.accuracy import answers_of, best_baseline, count_answers, summary
from seqtag.study.read import find_runs, read_config, read_items
from seqtag.study.result_files import FOLDER, RowKind, check_study

# What a probe asks for, for figures that compare models on several tasks.
TASKS = {
    "state tracking": (
        *("parity", "cycle", "modular_addition", "even_pairs"),
        *("word_s3", "word_a5", "word_s5", "word_z60"),
        *("modular_arithmetic", "arithmetic_brackets", "arithmetic_brackets_sums"),
        "solve_equation",
    ),
    "recall": (
        *("recall", "recall_forget", "copy", "reverse", "duplicate", "odds_first"),
        *("missing_duplicate", "stack_manipulation", "long_lag", "reber"),
        *("temporal_order_6a", "temporal_order_6b", "adding"),
    ),
    "counting": (
        *("counting_ab", "counting_abc", "counting_ab_member", "counting_abc_member"),
        *("brackets", "brackets_shuffle", "bucket_sort", "timing"),
    ),
    "agreement": ("pronoun", "pronoun_nouns", "pronoun_balanced", "reflexive", "agreement"),
    "numbers": ("binary_addition", "binary_multiplication", "square_root"),
    "recognition": (
        *("language_first", "language_repeat", "language_dyck", "language_majority"),
        *("language_marked_reversal", "language_reversal", "language_marked_copy"),
    ),
}
# Settings that do not change what a run computes, or are columns of their own.
_NOT_IN_CONFIG = ("seed", "study", "paths", "hydra", "logger", "callbacks", "experiment", "engine")
RUNS = RowKind(
    columns=(
        *("study", "probe", "version", "task", "encoder", "cell", "start"),
        *("direction", "layers", "hidden", "parameters", "config", "seed", "data_seed"),
        *("train", "epochs", "sequences", "batch", "lr", "weight_decay", "seconds", "seqtag"),
        *("table", "split", "slice", "axis", "value"),
        *("n", "accuracy", "low", "high", "last", "chance", "baseline", "baseline_accuracy"),
    ),
    whole=(
        *("version", "layers", "hidden", "parameters", "seed", "data_seed"),
        *("train", "epochs", "sequences", "batch", "value", "n"),
    ),
    numbers=(
        *("accuracy", "low", "high", "last", "chance", "baseline_accuracy"),
        *("lr", "weight_decay", "seconds"),
    ),
    key=(
        *("study", "probe", "config", "encoder", "cell", "seed", "data_seed"),
        *("table", "split", "slice", "value"),
    ),
    named=("slice", "value"),
    order=("probe", "encoder", "cell", "config", "seed", "table", "split", "slice", "value"),
    budget=("version", "data_seed", "train", "epochs", "sequences", "batch"),
    origin=("seconds", "seqtag"),
)


def add_runs(folders: Sequence[Path], study: str, results: Path = FOLDER) -> tuple[int, int]:
    """Add all finished runs in and below some folders to the file of a study.

    Args:
        folders: folders of runs or sweeps.
        study: the name of the study: letters, digits and _.
        results: the folder of the files.

    Returns:
        The number of runs, and the number of rows that were new.

    Raises:
        InputError: for a folder without finished runs or a table that cannot be read; if a row is
            there already with other figures; or if runs of a probe have different budgets. The file
            is then unchanged.
    """
    check_study(study)
    runs, _ = find_runs(folders)
    new = pd.concat([rows_of_run(run, study) for run in runs], ignore_index=True)
    return len(runs), RUNS.add(new, study, results)


def rows_of_run(folder: Path, study: str) -> pd.DataFrame:
    """Return the rows of a finished run that trained a tagger and judged it on a probe's grid.

    Raises:
        InputError: for a run of another kind, or a table that cannot be read.
    """
    items, about = judged_run(folder, study)
    counts = count_answers(answers_of(items))
    table = summary(counts, (AXIS, WITHIN, BEYOND))
    axis = f"factor_{items['axis'].iloc[0]}"
    last = _last_counts(items)
    rows = []
    for _, row in table.iterrows():
        best = best_baseline(row)
        value = row[axis] if row["slice"] == AXIS else None
        own = {"slice": row["slice"], "axis": items["axis"].iloc[0], "value": value}
        own |= {name: row[name] for name in ("table", "split", "n", "accuracy", "low", "high")}
        own |= {"chance": row["chance"], "last": _last(last, row, axis)}
        own |= {"baseline": best or "", "baseline_accuracy": row[best] if best else None}
        rows.append(about | own)
    return RUNS.typed(pd.DataFrame(rows)[list(RUNS.columns)])


def task_of(probe: str) -> str:
    """Return what a probe asks for; "other" if `TASKS` does not list it."""
    return next((task for task, probes in TASKS.items() if probe in probes), "other")


def judged_run(folder: Path, study: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the judged targets of a run, and the columns that are the same in all of its rows.

    Raises:
        InputError: for a run that did not train a tagger and judge it on a probe's grid.
    """
    items = read_items(folder)
    if items is None or items["regime"].iloc[0] != "reach":
        raise InputError(
            f"{folder}: not a run with regime=reach, which trains a tagger on a probe and judges "
            "it on the probe's grid: leave it out"
        )
    recorded = read_config(folder)
    about = read_untrusted(folder / RUN, lambda: _about(folder, items.iloc[0], recorded, study))
    return items, about


def _about(
    folder: Path, first: pd.Series, recorded: Mapping[str, Any], study: str
) -> dict[str, Any]:
    """Return the columns that are the same in all rows of a run.

    Args:
        folder: the folder of the run.
        first: one of its judged targets.
        recorded: its configuration, from its record.
        study: the name of the study.
    """
    data, trainer, optimizer = (recorded[name] for name in ("data", "trainer", "optimizer"))
    encoder = recorded["model"].get("encoder") or "recurrent"
    if isinstance(encoder, dict):
        encoder = encoder.get("name", "recurrent")
    train, epochs = int(data["train"]), int(trainer["max_epochs"])
    same = ("probe", "version", "cell", "start", "direction", "layers", "hidden", "parameters")
    return {
        "study": study,
        **{name: first[name] for name in (*same, "seed", "data_seed")},
        "task": task_of(str(first["probe"])),
        "encoder": encoder,
        "config": digest_of(recorded),
        "train": train,
        "epochs": epochs,
        "sequences": train * epochs,
        "batch": int(data["batch"]["sentences"]),
        "lr": optimizer.get("lr"),
        "weight_decay": optimizer.get("weight_decay", 0.0),
        "seconds": read_object(folder / RUN).get("seconds"),
        "seqtag": __version__,
    }


def digest_of(recorded: Mapping[str, Any]) -> str:
    """Return a digest of a configuration without the seed and what does not change its results."""
    used = {key: value for key, value in recorded.items() if key not in _NOT_IN_CONFIG}
    trainer = {k: v for k, v in used.get("trainer", {}).items() if not k.startswith("enable_")}
    text = json.dumps({**used, "trainer": trainer}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _last_counts(items: pd.DataFrame) -> pd.DataFrame | None:
    """Return the answers at the last target of each item; None if items have one target each."""
    if not items.duplicated("item").any():
        return None
    return items.sort_values("position").groupby("item", sort=True).tail(1)


def _last(last: pd.DataFrame | None, row: pd.Series, axis: str) -> float | None:
    """Return the share of items whose last target is right in a slice."""
    if last is None:
        return None
    own = last[(last["split"] == row["split"]) & (last["table"] == row["table"])]
    if row["slice"] == AXIS:
        own = own[own[axis] == row[axis]]
    else:
        own = own[own["within"] == (row["slice"] == WITHIN)]
    return float(own["right"].mean())
