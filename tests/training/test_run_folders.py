"""Run folders: a folder named by the time is always new; any other has at most one live run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from seqtag.cli import main
from seqtag.commands.launch import launch
from seqtag.errors import InputError
from seqtag.sweeps import locks
from seqtag.sweeps.locks import LOCK, FolderLock
from seqtag.sweeps.records import recorded

TINY = ("data.train=32", "data.dev=8", "data.test=8", "model.hidden_size=8", "engine=reference")


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.1)
    return tmp_path


@pytest.fixture
def one_second(monkeypatch):
    """Make all runs start in the same second."""

    class Fixed:
        @staticmethod
        def now():
            return Fixed()

        @staticmethod
        def strftime(pattern):
            return {"%Y-%m-%d": "2026-01-01", "%H-%M-%S": "10-00-00"}[pattern]

    monkeypatch.setattr("hydra.core.utils.datetime", Fixed)


def run(*arguments: str, verb: str = "train", job=lambda settings: None) -> list[dict]:
    """Launch a verb; return the settings that its job was called with."""
    calls: list[dict] = []

    def recording_job(settings):
        calls.append(settings)
        return job(settings)

    launch(verb, recording_job, list(arguments))
    return calls


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_runs_of_the_same_second_have_numbered_folders(workdir, one_second):
    base = workdir / "logs" / "train" / "2026-01-01_10-00-00"
    for number in ("", "_2", "_3"):
        (settings,) = run("seed=1")
        assert str(settings.identity.folder) == f"{base}{number}"
        assert not (Path(f"{base}{number}") / LOCK).exists()
    (settings,) = run("seed=1", "hydra.run.dir=x/${now:%H-%M-%S}")
    (other,) = run("seed=1", "hydra.run.dir=x/${now:%H-%M-%S}")
    folders = [str(settings.identity.folder), str(other.identity.folder)]
    assert folders == [str(workdir / "x" / name) for name in ("10-00-00", "10-00-00_2")]


@pytest.mark.slow
def test_sweeps_of_the_same_second_have_numbered_folders(workdir, one_second):
    for number in ("", "_2"):
        name = f"2026-01-01_10-00-00{number}"
        configs = run("-m", "seed=1,2")
        folders = [settings.identity.folder for settings in configs]
        sweep = workdir / "logs" / "train" / name
        assert folders == [sweep / f"seed-{seed}" for seed in (1, 2)]
        for folder in folders:
            saved = yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())
            assert saved.get("study") in (name, "${now:%Y-%m-%d}_${now:%H-%M-%S}")


@pytest.mark.slow
def test_evaluations_of_the_same_second_have_numbered_folders(workdir, one_second):
    run("model_dir=x", verb="evaluate")
    configs = run("-m", "model_dir=x,y", verb="evaluate")
    run("model_dir=x", verb="evaluate")
    names = [f"2026-01-01_10-00-00{number}" for number in ("", "_2", "_3")]
    assert sorted(path.name for path in (workdir / "logs" / "evaluate").iterdir()) == names
    assert {settings.identity.folder.parent.name for settings in configs} == {names[1]}


def test_printing_a_configuration_creates_no_files(workdir, capsys):
    run("--cfg", "job", "--resolve")
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["study=mine"], ["hydra.run.dir=logs/train/mine"], ["-m", "study=mine", "seed=1,2"]],
)
def test_a_second_live_run_in_a_folder_is_refused(arguments, workdir):
    folder = workdir / "logs" / "train" / "mine"
    with FolderLock(folder):
        (folder / "run.json").write_text("{}")
        before = files(folder)
        with pytest.raises(InputError, match=r"logs/train/mine: another run .* is using this"):
            run(*arguments, job=lambda settings: pytest.fail("called"))
        assert files(folder) == before
    assert run(*arguments)
    assert not (folder / LOCK).exists()


def test_the_output_folder_is_also_locked(workdir):
    with FolderLock(workdir / "out"):
        with pytest.raises(InputError, match="out: another run"):
            run("paths.output_dir=out", job=lambda settings: pytest.fail("called"))
        assert [path.name for path in (workdir / "out").iterdir()] == [LOCK]


@pytest.mark.slow
def test_a_job_that_another_process_runs_is_skipped(workdir):
    folder = workdir / "logs" / "train" / "mine" / "seed-2"
    seeds = []

    def job(settings):
        seeds.append(settings.training.seed)
        assert (settings.identity.folder / LOCK).exists()
        return {}

    with FolderLock(folder):
        assert launch("train", recorded(job), ["-m", "study=mine", "seed=1,2,3"]) == 1
        assert [path.name for path in folder.iterdir()] == [LOCK]
    assert seeds == [1, 3]
    assert launch("train", recorded(job), ["-m", "study=mine", "seed=1,2,3"]) == 0
    assert seeds == [1, 3, 2]


@pytest.mark.slow
def test_processes_can_share_a_search(workdir):
    options = ["search=random", "cell=lstm,gru", "search.trials=1", "study=mine"]

    def job(settings):
        return {"scores": {"dev f1": 0.5}}

    with FolderLock(workdir / "logs" / "train" / "mine", shared=True):
        locks._held.clear()  # as if another process held the lock
        launch("train", recorded(job), [*options, "search.storage=x.journal"])
    assert (workdir / "logs" / "train" / "mine" / "table.csv").exists()


def test_unfinished_sweeps_of_earlier_versions_are_continued(workdir):
    old = workdir / "logs" / "train" / "mine" / "cell=gru,seed=1"
    (old / ".hydra").mkdir(parents=True)
    (old / ".hydra" / "overrides.yaml").write_text("- study=mine\n- cell=gru\n- seed=1\n")
    configs = run("-m", "study=mine", "cell=gru", "seed=1,2")
    names = [settings.identity.folder.name for settings in configs]
    assert names == ["cell=gru,seed=1", "seed-2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study=../../.."], "study=../../..: this is not the name of a folder inside"),
        (["study=/tmp/x"], "study=/tmp/x: this is not the name"),
        (["study=''"], "study=: this is not the name"),
        (["study="], "'study=': the value is missing"),
        (["study=[a]"], "study must be a name"),
        (["paths.log_dir=null"], "paths.log_dir must be the path of a folder, not None"),
        (["paths.log_dir=5"], "paths.log_dir must be the path of a folder, not 5"),
        (["paths.log_dir=[a]"], "paths.log_dir must be the path of a folder, not ['a']"),
        (["paths.output_dir=5"], "paths.output_dir must be the path of a folder, not 5"),
        (["hydra.run.dir=null"], "hydra.run.dir=null"),
        (["hydra.run.dir=' '"], "hydra.run.dir must be the path of a folder, not ' '"),
        (["-m", "hydra.sweep.subdir=' '"], "hydra.sweep.subdir must be the name of a folder"),
        (["hydra.run.dir=file/x"], "file/x: cannot be written: Not a directory"),
        (["paths.log_dir=file"], "cannot be created: "),
        (["model.hidden_size=1,2"], "write a list as model.hidden_size=[1,2]"),
    ],
)
def test_invalid_folders_are_refused(arguments, message, workdir):
    (workdir / "file").write_text("")
    with pytest.raises(InputError) as raised:
        run(*arguments, job=lambda settings: pytest.fail("called"))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(files(workdir)) == [str(workdir / "file")]


def start_program(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "seqtag.cli", "train", *TINY, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_run_frees_its_folder(workdir, capfd):
    """Kill the program itself; its worker process outlives it."""
    options = (
        "study=mine",
        "data.train=400",
        "data.batch.workers=1",
        "callbacks.last.every_steps=1",
    )
    first = start_program(*options, "trainer.max_epochs=500")
    folder = workdir / "logs" / "train" / "mine"
    while not (folder / "checkpoints" / "last.ckpt").exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.1)
    with pytest.raises(InputError, match=rf"another run \(process {first.pid} on "):
        run("study=mine")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stderr.close()  # its worker still has it open
    assert main(["train", *TINY, *options, "trainer.max_steps=2"]) == 0
    stderr = capfd.readouterr().err
    assert "an earlier run has left files here; this one starts from the beginning" in stderr
    # The kill may come after last.ckpt became previous.ckpt, and before its successor is there.
    left = {file.name for file in (folder / "earlier_run" / "checkpoints").iterdir()}
    assert left & {"last.ckpt", "previous.ckpt"}
    assert (folder / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_a_finished_run_is_retained_when_its_folder_is_used_again(workdir):
    folder = workdir / "logs" / "train" / "mine"
    options = ["train", *TINY, "study=mine", "trainer.max_epochs=1"]
    assert main(options) == 0
    names = ("run.json", "metrics.json", "metrics.csv", "train.log", "model/model.safetensors")
    before = {name: (folder / name).read_bytes() for name in names}
    assert main([*options, "model.hidden_size=4"]) == 0
    assert {name: (folder / "earlier_run" / name).read_bytes() for name in names} == before
    assert all((folder / name).read_bytes() != before[name] for name in names)
