"""Sweeps of jobs that train nothing: resumed, failed, searched, in parallel."""

import csv
import itertools
import math
import os
import re
import sys
from pathlib import Path

import pytest
import yaml

from seqtag import cli
from seqtag.commands import task
from seqtag.commands.launch import launch
from seqtag.errors import InputError
from seqtag.sweeps.isolated import cores
from seqtag.sweeps.records import read_record, recorded

FAKE = str(Path(__file__).parent / "fake.py")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Jobs:
    """Runs sweeps of the verb train, and stores which jobs were run."""

    def __init__(self):
        self.ran: list[tuple[str, int]] = []
        self.failing: dict[tuple[str, int], Exception] = {}

    def __call__(self, *arguments: str) -> int:
        return launch("train", recorded(self._job), list(arguments))

    def _job(self, settings):
        run = (settings.training.cell["name"], settings.training.seed)
        self.ran.append(run)
        if run in self.failing:
            raise self.failing[run]
        far = abs(math.log10(settings.training.optimizer.options["lr"] / 0.01))
        return {"scores": {"dev f1": 0.9 - far / 10 - 0.1 * (run[0] == "gru")}}


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


def table(folder: str, name: str = "table.csv") -> list[dict[str, str]]:
    with open(f"{folder}/{name}", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_only_unfinished_jobs_are_run(jobs, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it
    jobs.failing = {
        ("lstm", 2): ZeroDivisionError("a bug"),
        ("gru", 1): InputError("no such corpus"),
    }
    assert jobs("-m", "study=mine", "cell=lstm,gru", "seed=1,2") == 1
    assert jobs.ran == [("lstm", 1), ("lstm", 2), ("gru", 1), ("gru", 2)]
    assert [row["failed"] for row in table("logs/train/mine")] == ["1", "1"]
    assert [row["error"] for row in table("logs/train/mine", "runs.csv") if row["error"]] == [
        "ZeroDivisionError: a bug",
        "no such corpus",
    ]
    assert "ZeroDivisionError: a bug" in capsys.readouterr().out

    jobs.failing = {}
    assert jobs("-m", "study=mine", "seed=2,1", "cell=lstm,gru") == 0
    assert jobs.ran[4:] == [("lstm", 2), ("gru", 1)]
    rows = table("logs/train/mine")
    assert [(row["configuration"], row["cell"], row["runs"], row["failed"]) for row in rows] == [
        ("cell=lstm", "lstm", "2", "0"),
        ("cell=gru", "gru", "2", "0"),
    ]


def runs_in(study: str) -> list[str]:
    return sorted(path.parent.name for path in Path("logs/train", study).glob("*/run.json"))


@pytest.mark.slow
def test_folders_are_named_after_the_swept_overrides(jobs):
    overrides = ("-m", "study=mine", "model.hidden_size=8", "seed=1")
    assert jobs(*overrides, "cell=lstm,gru") == 0
    assert runs_in("mine") == ["cell-gru", "cell-lstm"]
    # With seeds swept too, new folders have them in their names; finished runs stay where they are.
    assert jobs("-m", "study=mine", "model.hidden_size=8", "seed=1,2", "cell=lstm,gru") == 0
    assert jobs.ran[2:] == [("lstm", 2), ("gru", 2)]
    assert runs_in("mine") == ["cell-gru", "cell-gru+seed-2", "cell-lstm", "cell-lstm+seed-2"]


def test_a_run_with_an_explicit_default_is_the_same_run(jobs):
    assert jobs("-m", "study=mine", "cell=lstm") == 0
    assert jobs("-m", "study=mine", "cell=lstm", "seed=1,2") == 0
    assert jobs.ran == [("lstm", 1), ("lstm", 2)]


@pytest.mark.slow
def test_sweeps_with_other_fixed_overrides_have_other_folders(jobs):
    for size in (8, 16, 8):
        assert jobs("-m", "study=mine", f"model.hidden_size={size}", "cell=lstm,gru") == 0
    assert jobs.ran == [("lstm", 1), ("gru", 1)] * 2
    names = runs_in("mine")
    assert names[::2] == ["cell-gru", "cell-lstm"]
    assert all(re.fullmatch("cell-(gru|lstm)_[0-9a-f]{8}", name) for name in names[1::2])
    sizes = [
        read_record(Path("logs/train/mine", name))["config"]["model"]["hidden_size"]
        for name in names
    ]
    assert sizes == [8, 16, 8, 16]


@pytest.mark.slow
def test_a_run_with_other_defaults_keeps_its_folder(jobs, write):
    for lr in (0.1, 0.2):
        write("mine/experiment/own.yaml", f"# @package _global_\noptimizer:\n  lr: {lr}\n")
        own = ("--config-dir", "mine", "experiment=own")
        assert jobs("-m", *own, "study=mine", "cell=lstm,gru") == 0
    assert len(jobs.ran) == 4
    assert runs_in("mine") == ["cell-gru", "cell-lstm"]


def test_wrong_configurations_are_refused_before_any_job_is_run(jobs):
    for wrong, message in (
        ("data=pronoun,column", "data.path is not set"),
        ("optimizer.lr=interval(0.1,1)", "an interval needs a search: add search=tpe"),
        ("hydra/launcher=joblb", "did you mean 'joblib'"),
    ):
        with pytest.raises(InputError, match=message):
            jobs("-m", "study=mine", "seed=1", wrong)
    assert jobs.ran == []
    assert not any(path.is_file() for path in Path("logs").rglob("*"))


def test_a_search_writes_its_table_and_best_experiment(jobs, here, capsys):
    space = ["cell=lstm,gru", "optimizer.lr=tag(log, interval(1e-4, 1))", "seed=1,2"]
    overrides = ["search=tpe", *space, "study=mine"]
    assert jobs(*overrides, "search.trials=2") == 0
    assert len(jobs.ran) == 4
    rows = table("logs/train/mine")
    assert [row["error"] for row in rows] == [""] * 2
    assert float(rows[0]["score"]) == max(float(row["score"]) for row in rows)
    assert "experiment=best" in capsys.readouterr().err

    best = yaml.safe_load(Path("logs/train/mine/experiment/best.yaml").read_text())
    assert best["defaults"] == [{"override /cell": rows[0]["cell"]}]
    assert jobs("--config-dir", "logs/train/mine", "experiment=best") == 0
    assert jobs.ran[-1][0] == rows[0]["cell"]

    # Without a storage, the same seed gives the same trials, and all of them are finished.
    assert jobs(*overrides, "search.trials=2") == 0
    assert len(jobs.ran) == 5


@pytest.mark.slow
def test_a_search_with_a_storage_continues_after_a_failed_trial(jobs):
    jobs.failing = {("gru", 1): InputError("no such corpus")}
    overrides = ["search=random", "cell=lstm,gru", "search.storage=sqlite:///x.db"]
    with pytest.raises(InputError, match="set study=NAME"):
        jobs(*overrides)
    for trials in (2, 3):
        jobs(*overrides, f"search.trials={trials}", "study=mine")
    rows = table("logs/train/mine")
    assert sorted(row["trial"] for row in rows) == ["0", "1", "2"]
    assert {row["cell"]: row["error"] for row in rows} == {"lstm": "", "gru": "no such corpus"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search=tpee"], "did you mean 'tpe'"),
        (["search=tpe"], "needs something to search"),
        (["search=tpe", "cell=lstm,gruu"], "did you mean 'gru'"),
        (["search=tpe", "optimizer.lr=interval(1,0)"], "optimizer.lr=interval(1,0): "),
        (["search=tpe", "optimizer.lr=interval(0,1"], "optimizer.lr=interval(0,1"),
        (["search=tpe", "optimizer.lrr=interval(0,1)"], "did you mean 'optimizer.lr'"),
        (
            ["search=tpe", "cell=lstm,gru", "study=x", "search.storage=sqlite:////no/x.db"],
            "search.storage=sqlite:////no/x.db: ",
        ),
    ],
)
def test_mistakes_in_a_search_are_refused(arguments, message, jobs):
    with pytest.raises(InputError) as raised:
        jobs(*arguments)
    assert message in str(raised.value)
    assert jobs.ran == []
    assert not any(path.is_file() for path in Path(".").rglob("*"))


def test_an_unknown_score_fails_the_trial(jobs):
    assert jobs("search=tpe", "cell=lstm,gru", "search.trials=1", "search.metric=tst") == 0
    (row,) = table(next(Path("logs/train").iterdir()))
    assert row["error"] == "no score 'tst'; this run has dev f1"


@pytest.fixture
def fake(monkeypatch):
    """Make jobs in other processes run ``fake.py``, without a limit on threads."""
    monkeypatch.setattr(task, "PROGRAM", (sys.executable, FAKE))
    monkeypatch.delenv("OMP_NUM_THREADS")


@pytest.mark.slow
def test_parallel_jobs_with_joblib(capfd):
    """Real trainings, each in its own process."""
    tiny = ["data.train=32", "data.dev=8", "data.test=8", "trainer.max_epochs=1"]
    tiny += ["model.hidden_size=8", "engine=reference", "study=mine", "seed=1,2"]
    joblib = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert cli.main(["train", "-m", *joblib, *tiny]) == 0
    (row,) = table("logs/train/mine")
    assert (row["score"], row["runs"]) == ("test accuracy", "2")
    assert [run["seed"] for run in table("logs/train/mine", "runs.csv")] == ["1", "2"]
    folders = sorted(file.parent for file in Path("logs").rglob("model.safetensors"))
    assert [read_record(folder.parent)["seed"] for folder in folders] == [1, 2]
    for folder in folders:
        assert "epoch 1/1:" in (folder.parent / "terminal.txt").read_text()
    output = capfd.readouterr().err
    assert "epoch 1/1:" not in output
    assert (
        len(re.findall(r" [12] of 2: .*seed-[12].* done in 0:00:\d\d; 0:00:\d\d to go\n", output))
        == 2
    )


@pytest.mark.slow
def test_parallel_jobs_with_submitit(fake):
    overrides = ["hydra/launcher=submitit_local", "hydra.sweeper.max_batch_size=2", "study=mine"]
    assert launch("train", len, ["-m", *overrides, "seed=1,2,4"]) == 1
    (row,) = table("logs/train/mine")
    assert (row["runs"], row["failed"]) == ("1", "2")
    assert [(run["seed"], run["error"]) for run in table("logs/train/mine", "runs.csv")] == [
        *(("1", ""), ("2", "its process was killed (SIGKILL)")),
        ("4", "ZeroDivisionError: a bug"),
    ]
    assert read_record(Path("logs/train/mine/seed-1"))["threads"] == str(max(1, cores() // 2))
    assert "OMP_NUM_THREADS" not in os.environ
    assert "a bug" in Path("logs/train/mine/seed-4/terminal.txt").read_text()


@pytest.mark.slow
def test_in_another_process_a_job_is_the_command_that_runs_it_alone(here, monkeypatch):
    commands = []

    def run_isolated(command, terminal):
        commands.append((command, terminal))
        return 2, "no such corpus"

    monkeypatch.setattr(task, "run_isolated", run_isolated)
    numbers = itertools.count(1)
    monkeypatch.setattr(os, "getpid", lambda: next(numbers))  # each call looks like another process
    (here / "mine").mkdir()
    assert launch("train", len, ["-m", "--config-dir", "mine", "study=a b", "seed=1,2"]) == 1
    folders = [here / "logs" / "train" / "a b" / f"seed-{seed}" for seed in (1, 2)]
    assert commands == [
        (
            [
                *(sys.executable, "-m", "seqtag.cli", "train", "--config-dir", "mine"),
                *("study=a\\ b", f"seed={seed}", "hydra.mode=RUN", f"hydra.job.num={seed - 1}"),
                f"hydra.run.dir='{folder}'",
            ],
            folder / "terminal.txt",
        )
        for seed, folder in zip((1, 2), folders, strict=True)
    ]
    assert [read_record(folder)["error"] for folder in folders] == ["no such corpus"] * 2
