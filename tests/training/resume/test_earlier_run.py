"""Files of an earlier run in a folder are moved aside, and never resumed by mistake."""

import logging

import pytest

from seqtag.training.resume.earlier_run import EARLIER, set_aside_earlier_run


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
    assert line.startswith(f"{folder}: an earlier run has left checkpoints here; this one starts")
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
