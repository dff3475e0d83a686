"""Paired differences between the taggers of a study, from the predictions in their run folders.

The file STUDY_differences.csv has a row for each model but one, the reference, on each slice of a
corpus's test split (see `tagger_results`). Columns of a row:

    study, corpus, metric, model: see `tagger_results`
    reference     the model whose score is subtracted
    cell          the model's cell or encoder with its options
    seed          the number of seeds of each of the two
    split, slice, value, n: see `tagger_results`
    difference, low, high: mean score over seeds minus that of the reference, and the ends of its
                  95 % interval: sentences are resampled together, seeds of each model separately
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seqtag.errors import InputError, unknown
from seqtag.files import write_text
from seqtag.model_folder.untrusted import read_object
from seqtag.study.read import find_runs
from seqtag.study.resampling import difference
from seqtag.study.result_files import RowKind, check_study
from seqtag.study.tagged import Counts, count_slices, read_tagged
from seqtag.study.tagger_results import FINAL, FOLDER, TAGGERS, describe_run
from seqtag.training.findings import PREDICTIONS

DIFFERENCES = RowKind(
    subject="corpus",
    columns=(
        *("study", "corpus", "metric", "model", "reference", "cell", "seed"),
        *("split", "slice", "value", "n", "difference", "low", "high"),
    ),
    whole=("seed", "n"),
    numbers=("difference", "low", "high"),
    key=("study", "corpus", "model", "reference", "split", "slice", "value"),
    named=("model", "slice", "value"),
    order=("corpus", "reference", "model", "slice", "value"),
    budget=("metric",),
    origin=(),
)
# The counts of a run by slice and value.
_Slices = dict[tuple[str, str], Counts]


def differences_file(study: str, results: Path = FOLDER) -> Path:
    """Return the path of the differences of a study."""
    return results / f"{study}_differences.csv"


def write_differences(
    folders: Sequence[Path], study: str, reference: str, results: Path = FOLDER
) -> int:
    """Write the differences between the final runs of a study; return the number of rows.

    Args:
        folders: folders of all final runs in the study's file, or of sweeps with them.
        study: the name of the study, whose runs have been added (see `add_runs`).
        reference: the model whose scores are subtracted.
        results: the folder of the files.

    Raises:
        InputError: if the study lacks the reference, a final run is not in the folders, or a file
            cannot be read. Nothing is written then.
    """
    check_study(study)
    table = TAGGERS.read(results / f"{study}.csv")
    final = table[(table["role"] == FINAL) & (table["slice"] == "all")]
    if reference not in set(final["model"]):
        raise unknown("model of the study", reference, sorted(set(final["model"])))
    counted = _count_final(folders, final, study)
    rows = []
    for corpus, own in final.groupby("corpus"):
        rows += _of_corpus(corpus, own, reference, counted)
    if not rows:
        raise InputError(f"{study}: no corpus has final runs of {reference} and of another model")
    new = DIFFERENCES.typed(pd.DataFrame(rows)[list(DIFFERENCES.columns)])
    merged = DIFFERENCES.merge(new.iloc[:0], new, study)
    write_text(differences_file(study, results), DIFFERENCES.text(merged))
    return len(merged)


def _count_final(
    folders: Sequence[Path], final: pd.DataFrame, study: str
) -> dict[tuple[str, str, int], _Slices]:
    """Return the counts of all final runs by corpus, configuration and seed."""
    wanted = {
        (row.corpus, row.config, int(row.seed)): f"{row.corpus}, {row.cell}, seed {row.seed}"
        for row in final.itertuples()
    }
    counted: dict[tuple[str, str, int], _Slices] = {}
    for folder in find_runs(folders, "train")[0]:
        about = describe_run(folder, study)
        key = (about["corpus"], about["config"], about["seed"])
        if key in wanted:
            scheme = read_object(folder / "metrics.json")["splits"]["test"].get("scheme", "plain")
            counted[key] = count_slices(read_tagged(folder / PREDICTIONS), scheme)
    missing = [name for key, name in wanted.items() if key not in counted]
    if missing:
        raise InputError(
            f"{study}: the run {missing[0]} (of {len(missing)}) is not in these folders; name the "
            "folders of all final runs"
        )
    return counted


def _of_corpus(
    corpus: str, final: pd.DataFrame, reference: str, counted: dict[tuple[str, str, int], _Slices]
) -> list[dict[str, Any]]:
    """Return the rows of one corpus; none if it lacks the reference."""
    runs = {
        model: [counted[corpus, row.config, int(row.seed)] for row in own.itertuples()]
        for model, own in final.groupby("model")
    }
    base = runs.pop(reference, [])
    rows = []
    for model, own in runs.items() if base else ():
        first = final[final["model"] == model].iloc[0]
        about = {name: first[name] for name in ("study", "metric", "cell")}
        about |= {"corpus": corpus, "model": model, "reference": reference, "split": "test"}
        for key in own[0]:
            found = difference(*_sums(own, key), *_sums(base, key))
            if np.isnan(found.mean):
                continue
            named = dict(zip(("slice", "value"), key, strict=True))
            size = {"seed": min(len(own), len(base)), "n": int(own[0][key].gold_S.sum())}
            ends = {"difference": found.mean, "low": found.low, "high": found.high}
            rows.append(about | named | size | ends)
    return rows


def _sums(runs: Sequence[_Slices], key: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return what F1 is the ratio of, for each run and sentence."""
    counts = [run[key] for run in runs]
    top_RS = np.stack([2 * one.right_S for one in counts])
    return top_RS, np.stack([one.predicted_S + one.gold_S for one in counts])
