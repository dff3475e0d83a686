"""Results of finished trainings on corpora as rows of small CSV files, which grow run by run.

A file holds one study; a row is a run on one slice of its test split. Columns of a row:

    study         the name of the file
    corpus, metric: the option of `data=`, and the score: f1 of spans, else accuracy of labels
    model         what is compared: the cell with its options, or the name of another encoder
    encoder, cell: recurrent or the encoder's name; the cell or the encoder with its options
    direction, layers, hidden, parameters: sizes of the encoder
    config        a digest of all settings except the seed, the folders and what only shows progress
    seed          of training
    train, epochs, sequences: training sentences, passes over them, and their product: the budget
    batch, lr, weight_decay: sentences in a batch, highest learning rate, weight decay
    role          "final" for a model's configuration with the best development score on a corpus
                  (see `choose`), "trial" for its others
    best_epoch, dev: the epoch whose weights were kept, and their score on the development split
    seconds       how long the run took, on whatever machine it ran
    seqtag        the version of seqtag that added the row
    test          a digest of the gold labels of the test split
    split, slice, value: "test"; "all", "sentence_length" or "span_length", and the lengths
    n             gold spans or scored labels
    score, low, high: the score, and the ends of its 95 % interval (bootstrap over sentences)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from seqtag import __version__
from seqtag.checks import from_plain
from seqtag.columns import RUN
from seqtag.errors import InputError
from seqtag.files import write_text
from seqtag.metrics.main import main_score
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import encoder_name
from seqtag.model_folder.config import read_config as read_model_config
from seqtag.model_folder.untrusted import read_object, read_untrusted
from seqtag.study.describe import cell_label, encoder_label
from seqtag.study.read import find_runs, read_config
from seqtag.study.resampling import ratio
from seqtag.study.result_files import RowKind, check_study
from seqtag.study.results import digest_of
from seqtag.study.tagged import ALL, Tagged, count_slices, read_tagged
from seqtag.sweeps.records import read_overrides
from seqtag.training.findings import PREDICTIONS

FOLDER = Path(__file__).parents[1] / "cells" / "results"
FINAL, TRIAL = "final", "trial"
_METRICS = "metrics.json"
TAGGERS = RowKind(
    subject="corpus",
    columns=(
        *("study", "corpus", "metric", "model", "encoder", "cell"),
        *("direction", "layers", "hidden", "parameters", "config", "seed"),
        *("train", "epochs", "sequences", "batch", "lr", "weight_decay"),
        *("role", "best_epoch", "dev", "seconds", "seqtag", "test"),
        *("split", "slice", "value", "n", "score", "low", "high"),
    ),
    whole=(
        *("layers", "hidden", "parameters", "seed", "train", "epochs", "sequences", "batch"),
        *("best_epoch", "n"),
    ),
    numbers=("lr", "weight_decay", "dev", "seconds", "score", "low", "high"),
    key=("study", "corpus", "config", "encoder", "cell", "seed", "split", "slice", "value"),
    named=("slice", "value"),
    order=("corpus", "model", "cell", "lr", "config", "seed", "split"),
    budget=("metric", "train", "epochs", "sequences", "batch", "test"),
    origin=("role", "seconds", "seqtag"),
)


class Chosen(NamedTuple):
    """The configuration of a model with the best development score on a corpus.

    Attributes:
        corpus, model: what the choice is made for.
        config, encoder, cell, lr: the chosen configuration.
        dev: its development score.
        trials: the number of configurations that it was chosen from.
    """

    corpus: str
    model: str
    config: str
    encoder: str
    cell: str
    lr: float
    dev: float
    trials: int

    @property
    def overrides(self) -> str:
        """The arguments of `seqtag train` that give the configuration."""
        name, _, rest = self.cell.rstrip(")").partition("(")
        group = "cell" if self.encoder == "recurrent" else "encoder"
        above = "cell" if self.encoder == "recurrent" else "model.encoder"
        pairs = [option.partition("=") for option in rest.split(", ") if option]
        options = [f"{above}.{key}={_as_override(value)}" for key, _, value in pairs]
        return " ".join([f"{group}={name}", *options, f"optimizer.lr={self.lr:g}"])


def add_runs(folders: Sequence[Path], study: str, results: Path = FOLDER) -> tuple[int, int]:
    """Add all finished trainings in and below some folders to the file of a study.

    Args:
        folders: folders of runs or sweeps.
        study: the name of the study: letters, digits and _.
        results: the folder of the files.

    Returns:
        The number of runs, and the number of rows that were new.

    Raises:
        InputError: for a folder without finished runs or a file that cannot be read; if a row is
            there already with other figures; or if runs on a corpus have different budgets or test
            sentences. The file is then unchanged.
    """
    check_study(study)
    runs, _ = find_runs(folders, "train")
    new = pd.concat([rows_of_run(run, study) for run in runs], ignore_index=True)
    path = results / f"{study}.csv"
    old = TAGGERS.read(path) if path.exists() else new.iloc[:0]
    merged = with_roles(TAGGERS.merge(old, new, str(path)))
    results.mkdir(parents=True, exist_ok=True)
    write_text(path, TAGGERS.text(merged))
    return len(runs), len(merged) - len(old)


def rows_of_run(folder: Path, study: str) -> pd.DataFrame:
    """Return the rows of a finished training.

    Raises:
        InputError: for a run without a test split, one of an earlier version, or a file that cannot
            be read or does not belong to the others.
    """
    about = describe_run(folder, study)
    test = read_object(folder / _METRICS)["splits"]["test"]
    sentences = read_tagged(folder / PREDICTIONS)
    about |= {"test": _digest(sentences)}
    rows = []
    for (slice_, value), counts in count_slices(sentences, test.get("scheme", "plain")).items():
        if slice_ != ALL and not counts.gold_S.sum() and not counts.predicted_S.sum():
            continue
        score = ratio(2 * counts.right_S[None], (counts.predicted_S + counts.gold_S)[None])
        own = {"split": "test", "slice": slice_, "value": value, "n": int(counts.gold_S.sum())}
        rows.append(about | own | {"score": score.mean, "low": score.low, "high": score.high})
    table = TAGGERS.typed(pd.DataFrame(rows)[list(TAGGERS.columns)])
    stored, found = float(test[about["metric"]]), table["score"].iloc[0]
    # Without any spans, `SpanScore` gives 0.
    found = 0.0 if pd.isna(found) else found
    if abs(found - stored) > 1e-6:
        raise InputError(
            f"{folder / PREDICTIONS}: its {about['metric']} is {found:.6f}, but {_METRICS} has "
            f"{stored:.6f}: the files are not of the same run; train it again"
        )
    return table


def describe_run(folder: Path, study: str) -> dict[str, Any]:
    """Return the columns that are the same in all rows of a run, except `test`.

    Raises:
        InputError: as `rows_of_run` does.
    """
    metrics = read_object(folder / _METRICS)
    return read_untrusted(folder / RUN, lambda: _about(folder, metrics, study))


def choose(table: pd.DataFrame) -> list[Chosen]:
    """Return the configuration of each model on each corpus that has the best development score.

    The trials of a model are its configurations with the smallest seed that it has on a corpus. Of
    equal scores the first counts: by cell or encoder with its options, then by learning rate.
    """
    runs = table.drop_duplicates(["corpus", "model", "config", "seed"])
    chosen = []
    for (corpus, model), own in runs.groupby(["corpus", "model"]):
        trials = own[own["seed"] == own["seed"].min()].sort_values(["cell", "lr", "config"])
        best = trials.loc[trials["dev"].idxmax()]
        names = ("config", "encoder", "cell", "lr", "dev")
        chosen.append(Chosen(corpus, model, *(best[name] for name in names), len(trials)))
    return chosen


def with_roles(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose column `role` says which configurations `choose` returns."""
    final = {(one.corpus, one.model, one.config) for one in choose(table)}
    keys = zip(table["corpus"], table["model"], table["config"], strict=True)
    return table.assign(role=[FINAL if key in final else TRIAL for key in keys])


def _about(folder: Path, metrics: Mapping[str, Any], study: str) -> dict[str, Any]:
    record, recorded = read_object(folder / RUN), read_config(folder)
    if "encoder_parameters" not in record:
        raise InputError("the run is of an earlier version of seqtag: train it again")
    if "test" not in metrics.get("splits", {}) or "dev" not in metrics["splits"]:
        raise InputError("the corpus of the run has no test or development split: leave it out")
    stored = read_model_config(folder / "model")
    model, cell = from_plain(TaggerConfig, stored["model"], "model"), stored["cell"]
    encoder = encoder_name(model.encoder)
    label = cell_label(cell) if encoder == "recurrent" else encoder_label(model)
    metric, _ = main_score(metrics["splits"]["test"])
    if metric not in ("f1", "accuracy"):
        raise InputError(f"the run was chosen by {metric}, not by f1 or accuracy: leave it out")
    epochs = int(recorded["trainer"]["max_epochs"])
    return {
        "study": study,
        "corpus": _corpus(folder, recorded),
        "metric": metric,
        "model": label if encoder == "recurrent" else encoder,
        "encoder": encoder,
        "cell": label,
        "direction": "both" if model.built_encoder.reads_ahead(model) else "forward",
        "layers": model.num_layers,
        "hidden": model.hidden_size,
        "parameters": record["encoder_parameters"],
        "config": digest_of({**recorded, "data": {**recorded["data"], "path": None}}),
        "seed": recorded["seed"],
        "train": round(record["sequences"] / record["epochs"]),
        "epochs": epochs,
        "sequences": record["sequences"],
        "batch": int(recorded["data"]["batch"]["sentences"]),
        "lr": recorded["optimizer"].get("lr"),
        "weight_decay": recorded["optimizer"].get("weight_decay", 0.0),
        "role": TRIAL,
        "best_epoch": record["best_epoch"],
        "dev": main_score(metrics["splits"]["dev"])[1],
        "seconds": record["seconds"],
        "seqtag": __version__,
    }


def _corpus(folder: Path, recorded: Mapping[str, Any]) -> str:
    """Return the option of `data=` on the command line of a run, else the name of its folder."""
    pairs = [text.partition("=") for text in read_overrides(folder)]
    chosen = [value for key, _, value in pairs if key == "data"]
    return chosen[-1] if chosen else Path(str(recorded["data"]["path"])).name


def _digest(sentences: Sequence[Tagged]) -> str:
    text = "\n".join(" ".join(label or "_" for label in sentence.gold) for sentence in sentences)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _as_override(value: str) -> str:
    """Return the value of an option in a label as it is written on the command line."""
    words = {"True": "true", "False": "false", "None": "null"}
    return f"[{value}]" if "," in value else words.get(value, value)
