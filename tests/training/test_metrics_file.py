"""The file of metrics: rows as they come, none doubled or lost where a run goes on."""

import csv

import pytest

from seqtag.errors import InputError
from seqtag.training.metrics_file import MetricsFile


def rows(folder):
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def log(file, epochs):
    for epoch in epochs:
        file.log_metrics({"dev/f1": epoch / 3, "epoch": epoch}, step=10 * epoch)
        file.log_metrics({"train/loss": 1.5, "epoch": float(epoch)}, step=10 * epoch)


def test_a_row_is_there_as_soon_as_it_is_logged(tmp_path):
    file = MetricsFile(str(tmp_path / "run"))
    file.log_metrics({"dev/f1": 0.1, "epoch": 0}, step=9)
    assert rows(tmp_path / "run") == [{"dev/f1": "0.1", "epoch": "0", "step": "9"}]
    file.log_metrics({"train/loss": float("nan"), "epoch": 0.0})
    first, second = rows(tmp_path / "run")
    assert first == {"dev/f1": "0.1", "epoch": "0", "step": "9", "train/loss": ""}
    assert second == {"dev/f1": "", "epoch": "0", "step": "", "train/loss": "nan"}


@pytest.mark.parametrize("kept", range(6))
def test_a_run_that_goes_on_leaves_the_file_of_one_that_never_stopped(kept, tmp_path):
    for name in ("whole", "parts"):
        log(MetricsFile(str(tmp_path / name)), range(3))
    # Written when the process was killed, and to be written again.
    with (tmp_path / "parts" / "metrics.csv").open("a") as torn:
        torn.write(",,3")
    again = MetricsFile(str(tmp_path / "parts"))
    again.keep(kept)
    assert len(again.rows) == kept
    for number, row in enumerate(rows(tmp_path / "whole")):
        if number >= kept:
            again.log_metrics({key: float(value) for key, value in row.items() if value})
    again.save()
    whole, parts = (tmp_path / name / "metrics.csv" for name in ("whole", "parts"))
    assert parts.read_bytes() == whole.read_bytes()


def test_a_new_run_writes_over_the_file_of_an_old_one(tmp_path):
    log(MetricsFile(str(tmp_path)), range(3))
    new = MetricsFile(str(tmp_path))
    new.save()
    log(new, range(1))
    assert len(rows(tmp_path)) == 2


def test_going_on_where_the_file_is_gone(tmp_path):
    file = MetricsFile(str(tmp_path))
    file.keep(4)
    log(file, [2])
    assert [row["epoch"] for row in rows(tmp_path)] == ["2", "2"]


def test_a_file_that_cannot_be_written(tmp_path, write):
    with pytest.raises(InputError, match=r"metrics\.csv: cannot be written: "):
        MetricsFile(str(write("taken", b""))).log_metrics({"epoch": 1})
