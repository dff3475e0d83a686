"""metrics.csv: rows are written at once; resuming neither duplicates nor loses a row."""

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


def test_a_row_is_written_as_soon_as_it_is_logged(tmp_path):
    file = MetricsFile(str(tmp_path / "run"))
    file.log_metrics({"dev/f1": 0.1, "epoch": 0}, step=9)
    assert rows(tmp_path / "run") == [{"dev/f1": "0.1", "epoch": "0", "step": "9"}]
    file.log_metrics({"train/loss": float("nan"), "epoch": 0.0})
    first, second = rows(tmp_path / "run")
    assert first == {"dev/f1": "0.1", "epoch": "0", "step": "9", "train/loss": ""}
    assert second == {"dev/f1": "", "epoch": "0", "step": "", "train/loss": "nan"}


@pytest.mark.parametrize("count", range(6))
def test_a_resumed_run_writes_the_same_file_as_an_uninterrupted_one(count, tmp_path):
    for name in ("uninterrupted", "resumed"):
        log(MetricsFile(str(tmp_path / name)), range(3))
    # A row that was cut off when the process was killed.
    with (tmp_path / "resumed" / "metrics.csv").open("a") as file:
        file.write(",,3")
    logger = MetricsFile(str(tmp_path / "resumed"))
    logger.continue_after(count)
    assert len(logger.rows) == count
    for number, row in enumerate(rows(tmp_path / "uninterrupted")):
        if number >= count:
            logger.log_metrics({key: float(value) for key, value in row.items() if value})
    logger.save()
    uninterrupted, resumed = (
        tmp_path / name / "metrics.csv" for name in ("uninterrupted", "resumed")
    )
    assert resumed.read_bytes() == uninterrupted.read_bytes()


def test_a_new_run_overwrites_an_old_file(tmp_path):
    log(MetricsFile(str(tmp_path)), range(3))
    new = MetricsFile(str(tmp_path))
    new.save()
    log(new, range(1))
    assert len(rows(tmp_path)) == 2


def test_resuming_without_the_file_starts_a_new_one(tmp_path):
    file = MetricsFile(str(tmp_path))
    file.continue_after(4)
    log(file, [2])
    assert [row["epoch"] for row in rows(tmp_path)] == ["2", "2"]


def test_a_file_that_cannot_be_written_is_reported(tmp_path, write):
    with pytest.raises(InputError, match=r"metrics\.csv: cannot be written: "):
        MetricsFile(str(write("file", b""))).log_metrics({"epoch": 1})
