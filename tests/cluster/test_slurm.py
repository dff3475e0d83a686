"""On a real SLURM, requeued jobs give the results of uninterrupted ones; sweeps are SLURM jobs.

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
ROWS = 2 * EPOCHS  # of metrics.csv: for the training and the development split
# Ways to stop a job: the partition it runs in, and the command that stops it.
PREEMPT = ("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 1")
STOPS = {
    "preempted, with grace time": ("low", PREEMPT),
    "preempted without grace time": ("at_once", PREEMPT),
    "warned of its time limit": ("low", ("scancel", "--signal=USR1", "{job}")),
    "requeued by hand": ("low", ("scontrol", "requeue", "{job}")),
}


@pytest.fixture(scope="module")
def long_training(small) -> tuple[str, ...]:
    """Return overrides for a training long enough to be stopped before its end."""
    return (*small, f"trainer.max_epochs={EPOCHS}", "callbacks.early_stopping=null")


@pytest.fixture(scope="module")
def submit(cluster, long_training, tmp_path_factory):
    """Return a function that submits a training on two nodes, and returns job number and folder."""
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)

        def submit_training(*options: str) -> tuple[str, Path]:
            job = cluster.submit("--nodes=2", *options, str(SCRIPT), *long_training)
            return job, folder / "logs" / "train" / f"slurm_{job}"

        yield submit_training


def rows(folder: Path) -> list[str]:
    """Return the rows of metrics.csv so far."""
    file = folder / "metrics.csv"
    return file.read_text(encoding="utf-8").splitlines()[1:] if file.exists() else []


def results_of(cluster, job: str, folder: Path) -> dict:
    """Wait until a training is completed; return its accuracies, metrics, weights and restarts."""
    fields = cluster.wait(job, "COMPLETED", "FAILED", "CANCELLED")
    log = Path(fields["StdOut"]).read_text(encoding="utf-8")
    assert fields["JobState"] == "COMPLETED", log
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {
        "accuracy": {name: scores["accuracy"] for name, scores in metrics["splits"].items()},
        "rows": rows(folder),
        "weights": (folder / "model" / "model.safetensors").read_bytes(),
        "restarts": int(fields["Restarts"]),
    }


@pytest.fixture(scope="module")
def uninterrupted(cluster, submit) -> dict:
    """Return the results of an uninterrupted training."""
    return results_of(cluster, *submit())


@pytest.mark.parametrize("stop", STOPS)
def test_a_requeued_job_gives_the_results_of_an_uninterrupted_one(
    stop, uninterrupted, cluster, submit, until
):
    partition, command = STOPS[stop]
    job, folder = submit(f"--partition={partition}")
    until(lambda: len(rows(folder)) >= 4, "two epochs", 120)
    cluster.run(*(word.format(job=job) for word in command))
    until(lambda: cluster.fields(job)["Restarts"] != "0", "requeued", 60)
    assert len(rows(folder)) < ROWS, "stopped too late for this test"
    assert results_of(cluster, job, folder) == {**uninterrupted, "restarts": 1}


def test_a_cancelled_job_is_not_requeued_but_can_be_resumed(cluster, submit, until):
    job, folder = submit()
    until(lambda: len(rows(folder)) >= 4, "two epochs", 120)
    cluster.run("scancel", job)
    until(lambda: not cluster.run("squeue", "--noheader"), "no job left", 60)
    fields = cluster.fields(job)
    assert (fields["JobState"], fields["Restarts"]) == ("CANCELLED", "0")
    assert (folder / "checkpoints" / "last.ckpt").is_file()


def test_the_jobs_of_a_sweep_are_slurm_jobs_and_survive_preemption(
    cluster, long_training, until, tmp_path
):
    sweep = tmp_path / "sweep"
    command = [
        *(
            sys.executable,
            "-m",
            "seqtag.cli",
            "train",
            "-m",
            "hydra/launcher=slurm",
            *long_training,
        ),
        *("hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=null", "ckpt_path=auto"),
        *("hydra.launcher.partition=low", "cell=lstm,gru", f"hydra.sweep.dir={sweep}"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as started:
        try:
            until(lambda: len(list(sweep.glob("*/metrics.csv"))) == 2, "two jobs in training", 200)
            jobs = cluster.run("squeue", "--noheader", "--array", "--format=%A").split()
            cluster.run(*PREEMPT)
            output = started.communicate(timeout=300)[0].decode()
        finally:
            started.kill()
    assert started.returncode == 0, output
    assert [cluster.fields(job)["Restarts"] for job in jobs] == ["1", "1"]
    finished = [file.parent for file in sweep.glob("*/metrics.json")]
    assert [len(rows(folder)) for folder in finished] == [ROWS, ROWS]
