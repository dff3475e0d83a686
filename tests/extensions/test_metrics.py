"""A metric of an installed package: it chooses the model, and is shown wherever scores are."""

import json

import pytest

from seqtag.cli import main

pytestmark = pytest.mark.usefixtures("installed")

TINY = (
    *("data=pronoun", "data.train=40", "data.dev=20", "data.test=20", "model.hidden_size=4"),
    *("model.words.size=4", "model.characters=null", "trainer.max_epochs=2", "study=judged"),
    "engine=torch",
)


def test_the_metric_chooses_the_model_and_is_shown(tmp_path, capfd):
    own = (f"paths.log_dir={tmp_path}", "metric=sentences", "seed=1,2")
    assert main(["train", "-m", *TINY, *own]) == 0
    printed = "".join(capfd.readouterr())
    folder = tmp_path / "train" / "judged"
    for run in folder.glob("*/metrics.json"):
        figures = json.loads(run.read_text())
        for split in ("dev", "test"):
            scores = figures["splits"][split]
            assert scores["metric"] == "sentences_right"
            assert 0.0 <= scores["sentences_right"] <= 1.0
        rows = (run.parent / "metrics.csv").read_text().splitlines()
        head = rows[0].split(",")
        shown = [dict(zip(head, row.split(","), strict=True)) for row in rows[1:]]
        dev = [row for row in shown if row["dev/metric"]]
        assert dev, rows
        assert all(row["dev/metric"] == row["dev/sentences_right"] for row in dev)
        record = json.loads((run.parent / "run.json").read_text())
        assert list(record["scores"]) == ["test sentences_right", "dev sentences_right"]
        assert "sentences_right" in (run.parent / "model" / "README.md").read_text()
    assert "dev sentences_right" in printed
    assert "test sentences_right %" in (folder / "table.md").read_text()
    assert ",test sentences_right," in (folder / "table.csv").read_text()


def test_an_unknown_metric_is_refused_before_anything_is_written(tmp_path, capfd):
    own = (f"hydra.run.dir={tmp_path / 'run'}", "metric=sentence")
    assert main(["train", *TINY, *own]) == 2
    assert "unknown metric 'sentence' (did you mean 'sentences'?)" in capfd.readouterr().err
    assert not (tmp_path / "run").exists()
