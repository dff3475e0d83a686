"""A cross-validation as a whole: a sweep over folds, its table, and the evaluation of a fold."""

import csv
import json
import subprocess
import sys

import pytest
from shared.runs import SMALL

pytestmark = pytest.mark.slow


def seqtag(*words, cwd):
    command = [sys.executable, "-m", "seqtag.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sweep_over_three_folds(make_sentences, write, tmp_path):
    write("corpus.txt", make_sentences(60))
    own = ("data=column", "data.path=corpus.txt", "data.columns=[tokens,pos,labels]", *SMALL)
    own = (*own, "trainer.max_epochs=40")
    done = seqtag(
        *("train", "-m", "study=cv", *own, "data.folds=3", "data.fold=0,1,2"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    sweep = tmp_path / "logs" / "train" / "cv"
    (row,), folds = rows(sweep / "table.csv"), rows(sweep / "runs.csv")
    assert [fold["fold"] for fold in folds] == ["0", "1", "2"]
    scores = [float(fold["test f1"]) for fold in folds]
    assert (row["score"], row["runs"], row["failed"]) == ("test f1", "3", "0")
    assert 0 < float(row["mean"]) == pytest.approx(sum(scores) / 3)
    assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
    heading, _, shown = (sweep / "table.md").read_text().splitlines()
    assert "| folds |" in heading
    assert "| 0, 1, 2 |" in shown

    run = sweep / "data.fold-1"
    figures = json.loads((run / "metrics.json").read_text())["splits"]["test"]
    assert figures["sentences"] == 20
    done = seqtag(
        *("evaluate", f"model_dir={run / 'model'}", "data.path=corpus.txt"),
        "paths.output_dir=figures",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    again = json.loads((tmp_path / "figures" / "metrics.json").read_text())
    assert (again["sentences"], again["f1"]) == (20, figures["f1"])

    done = seqtag("train", *own, "data.folds=3", "data.fold=3", cwd=tmp_path)
    assert done.returncode == 2
    assert "with data.folds=3 the folds are 0 to 2" in done.stderr
