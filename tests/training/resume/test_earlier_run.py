"""Files of an earlier run in a folder are moved aside, and never resumed by mistake."""

import logging

import pytest

from seqtag import columns
from seqtag.files import EARLIER, files_of_runs
from seqtag.sweeps.records import Identity, read_record, recorded
from seqtag.training.console import LogFile
from seqtag.training.resume.earlier_run import set_aside_earlier_run
from seqtag.training.run_folder import OUTPUTS


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a run that was killed after it wrote checkpoints and metrics."""
    for name in ("last.ckpt", "previous.ckpt", "best.ckpt"):
        (tmp_path / "run" / "checkpoints").mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "checkpoints" / name).write_text("first")
    (tmp_path / "run" / "metrics.csv").write_text("first")
    return tmp_path / "run"


@pytest.mark.parametrize("resumed", [None, "elsewhere/last.ckpt"])
def test_files_of_an_earlier_run_are_moved(folder, resumed, caplog):
    caplog.set_level(logging.INFO, logger="seqtag")
    set_aside_earlier_run(folder, resumed)
    assert [path.name for path in folder.iterdir()] == [EARLIER]
    assert (folder / EARLIER / "checkpoints" / "last.ckpt").read_text() == "first"
    assert (folder / EARLIER / "metrics.csv").read_text() == "first"
    (line,) = caplog.messages
    assert line.startswith(f"{folder}: an earlier run has left files here; this one starts")
    assert "ckpt_path=auto resumes" in line
    set_aside_earlier_run(folder, None)  # nothing is left to move
    assert len(caplog.messages) == 1
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").write_text("second")
    set_aside_earlier_run(folder, None)
    second = folder / f"{EARLIER}_2"
    assert (second / "checkpoints" / "last.ckpt").read_text() == "second"
    assert not (second / "metrics.csv").exists()
    assert (folder / EARLIER / "checkpoints" / "last.ckpt").read_text() == "first"


def test_nothing_is_moved_on_resume(folder, caplog):
    set_aside_earlier_run(folder, str(folder / "checkpoints" / "last.ckpt"))
    assert (folder / "checkpoints" / "last.ckpt").exists()
    assert caplog.messages == []


class Settings:
    def __init__(self, folder, seed):
        self.identity = Identity(folder, {"seed": seed})


def test_everything_of_a_finished_run_is_moved(tmp_path):
    def run(settings):
        set_aside_earlier_run(tmp_path, None)
        (tmp_path / "model").mkdir()
        for name in ("metrics.json", "learn.csv", "model/config.json"):
            (tmp_path / name).write_text(str(settings.identity.config["seed"]))
        return {"scores": {"dev f1": 0.5}}

    (tmp_path / "notes.txt").write_text("of the user")
    recorded(run)(Settings(tmp_path, 1))
    first = read_record(tmp_path)
    for _ in range(2):  # the second time nothing is done
        recorded(run)(Settings(tmp_path, 2))
    assert read_record(tmp_path / EARLIER) == first
    assert read_record(tmp_path) == {**first, "config": {"seed": 2}}
    for name in ("metrics.json", "learn.csv", "model/config.json"):
        assert (tmp_path / EARLIER / name).read_text() == "1"
        assert (tmp_path / name).read_text() == "2"
    assert (tmp_path / "notes.txt").exists()
    assert files_of_runs(tmp_path, "run.json") == [tmp_path / "run.json"]
    assert not (tmp_path / f"{EARLIER}_2").exists()


def test_a_record_outlives_a_run_that_was_stopped_before_training(tmp_path):
    def stopped(settings):
        raise KeyboardInterrupt

    recorded(lambda settings: {"scores": {}})(Settings(tmp_path, 1))
    (tmp_path / "model").mkdir()
    for seed in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            recorded(stopped)(Settings(tmp_path, seed))
    set_aside_earlier_run(tmp_path, None)
    assert read_record(tmp_path / EARLIER)["config"] == {"seed": 1}
    assert read_record(tmp_path) == {"config": {"seed": 3}, "finished": False, "error": None}


def test_the_table_of_an_interrupted_run_stays_and_a_folder_without_a_run_is_left_alone(tmp_path):
    for name in ("learn.csv", "model"):
        (tmp_path / name).write_text("")
    set_aside_earlier_run(tmp_path, None)
    assert (tmp_path / "model").exists()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_text("")
    set_aside_earlier_run(tmp_path, None)
    assert (tmp_path / "learn.csv").exists()
    assert (tmp_path / EARLIER / "model").exists()


def test_the_log_is_divided(tmp_path):
    path = tmp_path / "train.log"
    path.write_text("first\n")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_text("")
    root, handler = logging.getLogger(), LogFile(str(path))
    root.addHandler(handler)
    try:
        root.warning("second")
        set_aside_earlier_run(tmp_path, None)
        root.warning("third")
    finally:
        root.removeHandler(handler)
        handler.close()
    assert (tmp_path / EARLIER / "train.log").read_text() == "first\n"
    lines = path.read_text().splitlines()
    assert [lines[0], lines[-1]] == ["second", "third"]
    assert "first" not in lines


def test_the_tables_of_probes_are_among_the_outputs():
    tables = {
        value for value in vars(columns).values() if str(value).endswith((".csv", ".parquet"))
    }
    assert tables <= {*OUTPUTS}
