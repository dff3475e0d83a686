"""Sweeps of jobs that train nothing: gone on with, failed, searched, side by side."""

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
    """Runs sweeps of the verb train, and keeps what was run."""

    def __init__(self):
        self.ran: list[tuple[str, int]] = []
        self.wrong: dict[tuple[str, int], Exception] = {}

    def __call__(self, *arguments: str) -> int:
        return launch("train", recorded(self._job), list(arguments))

    def _job(self, settings):
        what = (settings.training.cell["name"], settings.training.seed)
        self.ran.append(what)
        if what in self.wrong:
            raise self.wrong[what]
        far = abs(math.log10(settings.training.optimizer.options["lr"] / 0.01))
        return {"scores": {"dev f1": 0.9 - far / 10 - 0.1 * (what[0] == "gru")}}


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


def table(folder: str) -> list[dict[str, str]]:
    with open(f"{folder}/table.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_only_what_is_missing_is_run(jobs, capsys):
    jobs.wrong = {
        ("lstm", 2): ZeroDivisionError("a bug"),
        ("gru", 1): InputError("no such corpus"),
    }
    assert jobs("-m", "study=mine", "cell=lstm,gru", "seed=1,2") == 1
    assert jobs.ran == [("lstm", 1), ("lstm", 2), ("gru", 1), ("gru", 2)]
    assert [row["failed"] for row in table("logs/train/mine")] == [
        "seed 2: ZeroDivisionError: a bug",
        "seed 1: no such corpus",
    ]
    assert "ZeroDivisionError: a bug" in capsys.readouterr().out

    jobs.wrong = {}
    assert jobs("-m", "study=mine", "seed=2,1", "cell=lstm,gru") == 0
    assert jobs.ran[4:] == [("lstm", 2), ("gru", 1)]
    rows = table("logs/train/mine")
    assert [(row[""], row["seeds"]) for row in rows] == [
        ("cell=lstm", "1, 2"),
        ("cell=gru", "1, 2"),
    ]
    assert "failed" not in rows[0]


def runs_in(study: str) -> list[str]:
    return sorted(path.parent.name for path in Path("logs/train", study).glob("*/run.json"))


@pytest.mark.slow
def test_folders_are_named_after_what_differs(jobs):
    given = ("-m", "study=mine", "model.hidden_size=8", "seed=1")
    assert jobs(*given, "cell=lstm,gru") == 0
    assert runs_in("mine") == ["cell-gru", "cell-lstm"]
    # More of the same, named after what differs in it: what is finished stays where it is.
    assert jobs("-m", "study=mine", "model.hidden_size=8", "seed=1,2", "cell=lstm,gru") == 0
    assert jobs.ran[2:] == [("lstm", 2), ("gru", 2)]
    assert runs_in("mine") == ["cell-gru", "cell-gru+seed-2", "cell-lstm", "cell-lstm+seed-2"]


def test_a_run_with_a_default_written_out_is_the_run_without(jobs):
    assert jobs("-m", "study=mine", "cell=lstm") == 0
    assert jobs("-m", "study=mine", "cell=lstm", "seed=1,2") == 0
    assert jobs.ran == [("lstm", 1), ("lstm", 2)]


@pytest.mark.slow
def test_a_sweep_that_differs_in_what_is_fixed_has_folders_of_its_own(jobs):
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
def test_what_is_run_again_with_other_defaults_keeps_its_folder(jobs, write):
    for lr in (0.1, 0.2):
        write("mine/experiment/own.yaml", f"# @package _global_\noptimizer:\n  lr: {lr}\n")
        own = ("--config-dir", "mine", "experiment=own")
        assert jobs("-m", *own, "study=mine", "cell=lstm,gru") == 0
    assert len(jobs.ran) == 4
    assert runs_in("mine") == ["cell-gru", "cell-lstm"]


def test_what_cannot_be_configured_is_said_before_anything_is_run(jobs):
    for wrong, said in (
        ("data=pronoun,column", "data.path is not set"),
        ("optimizer.lr=interval(0.1,1)", "a grid takes no interval; add search=tpe"),
        ("hydra/launcher=joblb", "did you mean 'joblib'"),
    ):
        with pytest.raises(InputError, match=said):
            jobs("-m", "study=mine", "seed=1", wrong)
    assert jobs.ran == []
    assert not any(path.is_file() for path in Path("logs").rglob("*"))


def test_a_search(jobs, here, capsys):
    space = ["cell=lstm,gru", "optimizer.lr=tag(log, interval(1e-4, 1))", "seed=1,2"]
    given = ["search=tpe", *space, "study=mine"]
    assert jobs(*given, "search.trials=2") == 0
    assert len(jobs.ran) == 4
    rows = table("logs/train/mine")
    assert [row["failed"] for row in rows] == [""] * 2
    assert float(rows[0]["dev %"]) == max(float(row["dev %"]) for row in rows)
    assert "experiment=best" in capsys.readouterr().err

    best = yaml.safe_load(Path("logs/train/mine/experiment/best.yaml").read_text())
    assert best["defaults"] == [{"override /cell": rows[0]["cell"]}]
    assert jobs("--config-dir", "logs/train/mine", "experiment=best") == 0
    assert jobs.ran[-1][0] == rows[0]["cell"]

    # In memory too: the same seed, the same trials, and all of them are finished.
    assert jobs(*given, "search.trials=2") == 0
    assert len(jobs.ran) == 5


@pytest.mark.slow
def test_a_search_in_a_storage_goes_on_past_what_fails(jobs):
    jobs.wrong = {("gru", 1): InputError("no such corpus")}
    given = ["search=random", "cell=lstm,gru", "search.storage=sqlite:///x.db"]
    with pytest.raises(InputError, match="give study=NAME"):
        jobs(*given)
    for trials in (2, 3):
        jobs(*given, f"search.trials={trials}", "study=mine")
    rows = table("logs/train/mine")
    assert sorted(row["trial"] for row in rows) == ["0", "1", "2"]
    assert {row["cell"]: row["failed"] for row in rows} == {"lstm": "", "gru": "no such corpus"}


@pytest.mark.parametrize(
    ("arguments", "said"),
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
def test_mistakes_in_a_search(arguments, said, jobs):
    with pytest.raises(InputError) as raised:
        jobs(*arguments)
    assert said in str(raised.value)
    assert jobs.ran == []
    assert not any(path.is_file() for path in Path(".").rglob("*"))


def test_a_score_that_there_is_not(jobs):
    assert jobs("search=tpe", "cell=lstm,gru", "search.trials=1", "search.metric=tst") == 0
    (row,) = table(next(Path("logs/train").iterdir()))
    assert row["failed"] == "no score 'tst'; this run has dev f1"


@pytest.fixture
def fake(monkeypatch):
    """Have jobs that run elsewhere do what ``fake.py`` says, and the cores be free for them."""
    monkeypatch.setattr(task, "PROGRAM", (sys.executable, FAKE))
    monkeypatch.delenv("OMP_NUM_THREADS")


@pytest.mark.slow
def test_side_by_side_by_joblib(capfd):
    """Trainings of the program itself, each in a process of its own."""
    tiny = ["data.train=32", "data.dev=8", "data.test=8", "trainer.max_epochs=1"]
    tiny += ["model.hidden_size=8", "engine=reference", "study=mine", "seed=1,2"]
    joblib = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert cli.main(["train", "-m", *joblib, *tiny]) == 0
    (row,) = table("logs/train/mine")
    assert (row["seeds"], len(row["test accuracy %"].split(", "))) == ("1, 2", 2)
    folders = sorted(file.parent for file in Path("logs").rglob("model.safetensors"))
    assert [read_record(folder.parent)["seed"] for folder in folders] == [1, 2]
    for folder in folders:
        assert "epoch 1/1:" in (folder.parent / "terminal.txt").read_text()
    told = capfd.readouterr().err
    assert "epoch 1/1:" not in told
    assert (
        len(re.findall(r" [12] of 2: .*seed-[12].* done in 0:00:\d\d; 0:00:\d\d to go\n", told))
        == 2
    )


@pytest.mark.slow
def test_side_by_side_by_submitit(fake):
    given = ["hydra/launcher=submitit_local", "hydra.sweeper.max_batch_size=2", "study=mine"]
    assert launch("train", len, ["-m", *given, "seed=1,2,4"]) == 1
    (row,) = table("logs/train/mine")
    assert row["seeds"] == "1"
    assert row["failed"] == (
        "seed 2: its process was killed (SIGKILL); seed 4: ZeroDivisionError: a bug"
    )
    assert read_record(Path("logs/train/mine/seed-1"))["threads"] == str(max(1, cores() // 2))
    assert "OMP_NUM_THREADS" not in os.environ
    assert "a bug" in Path("logs/train/mine/seed-4/terminal.txt").read_text()


@pytest.mark.slow
def test_elsewhere_a_job_is_the_command_that_would_run_it_alone(here, monkeypatch):
    commands = []

    def run_isolated(command, terminal):
        commands.append((command, terminal))
        return 2, "no such corpus"

    monkeypatch.setattr(task, "run_isolated", run_isolated)
    numbers = itertools.count(1)
    monkeypatch.setattr(os, "getpid", lambda: next(numbers))  # now here, now there
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
