"""A real SLURM: jobs that it stops and starts again end as if it never had; a sweep is jobs.

pytest -n 0 -m slurm tests/cluster
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slurm
SCRIPT = Path(__file__).parents[2] / "scripts" / "train.sbatch"
EPOCHS = 20
ROWS = 2 * EPOCHS  # of figures: of the training split, of the development split
# How a job is stopped: the partition it runs in, and what is then said.
MAKE_WAY = ("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 1")
STOPPED = {
    "preempted, with a time of grace": ("low", MAKE_WAY),
    "preempted at once": ("at_once", MAKE_WAY),
    "warned that its time is almost up": ("low", ("scancel", "--signal=USR1", "{job}")),
    "requeued by hand": ("low", ("scontrol", "requeue", "{job}")),
}


@pytest.fixture(scope="module")
def long(small) -> tuple[str, ...]:
    """Return overrides for a training that can be stopped in its middle."""
    return (*small, f"trainer.max_epochs={EPOCHS}", "callbacks.early_stopping=null")


@pytest.fixture(scope="module")
def submit(cluster, long, tmp_path_factory):
    """Return a function that submits a training on two nodes; it tells the job and its folder."""
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)

        def submitted(*options: str) -> tuple[str, Path]:
            job = cluster.submit("--nodes=2", *options, str(SCRIPT), *long)
            return job, folder / "logs" / "train" / f"slurm_{job}"

        yield submitted


def rows(folder: Path) -> list[str]:
    """Return the figures by epoch that there are so far."""
    file = folder / "metrics.csv"
    return file.read_text(encoding="utf-8").splitlines()[1:] if file.exists() else []


def come_to(cluster, job: str, folder: Path) -> dict:
    """Wait for a training to end well; return its figures, also by epoch, and its weights."""
    done = cluster.wait(job, "COMPLETED", "FAILED", "CANCELLED")
    log = Path(done["StdOut"]).read_text(encoding="utf-8")
    assert done["JobState"] == "COMPLETED", log
    figures = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {
        "accuracy": {split: told["accuracy"] for split, told in figures["splits"].items()},
        "rows": rows(folder),
        "weights": (folder / "model" / "model.safetensors").read_bytes(),
        "restarts": int(done["Restarts"]),
    }


@pytest.fixture(scope="module")
def whole(cluster, submit) -> dict:
    """Return what a training comes to that nobody stops."""
    return come_to(cluster, *submit())


@pytest.mark.parametrize("how", STOPPED)
def test_stopped_and_started_again_it_ends_as_if_it_never_had(how, whole, cluster, submit, until):
    partition, command = STOPPED[how]
    job, folder = submit(f"--partition={partition}")
    until(lambda: len(rows(folder)) >= 4, "two epochs", 120)
    cluster.say(*(word.format(job=job) for word in command))
    until(lambda: cluster.about(job)["Restarts"] != "0", "started again", 60)
    assert len(rows(folder)) < ROWS, "stopped too late to tell anything"
    assert come_to(cluster, job, folder) == {**whole, "restarts": 1}


def test_cancelled_it_is_not_started_again_but_can_go_on(cluster, submit, until):
    job, folder = submit()
    until(lambda: len(rows(folder)) >= 4, "two epochs", 120)
    cluster.say("scancel", job)
    until(lambda: not cluster.say("squeue", "--noheader"), "no job left", 60)
    about = cluster.about(job)
    assert (about["JobState"], about["Restarts"]) == ("CANCELLED", "0")
    assert (folder / "checkpoints" / "last.ckpt").is_file()


def test_a_sweep_is_jobs_of_slurm_that_may_be_preempted_too(cluster, long, until, tmp_path):
    sweep = tmp_path / "sweep"
    command = [
        *(sys.executable, "-m", "seqtag.cli", "train", "-m", "hydra/launcher=slurm", *long),
        *("hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=null", "ckpt_path=auto"),
        *("hydra.launcher.partition=low", "cell=lstm,gru", f"hydra.sweep.dir={sweep}"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as started:
        try:
            until(lambda: len(list(sweep.glob("*/metrics.csv"))) == 2, "two jobs that train", 200)
            jobs = cluster.say("squeue", "--noheader", "--array", "--format=%A").split()
            cluster.say(*MAKE_WAY)
            said = started.communicate(timeout=300)[0].decode()
        finally:
            started.kill()
    assert started.returncode == 0, said
    assert [cluster.about(job)["Restarts"] for job in jobs] == ["1", "1"]
    finished = [file.parent for file in sweep.glob("*/metrics.json")]
    assert [len(rows(folder)) for folder in finished] == [ROWS, ROWS]
