"""A job that SLURM has only warned is requeued; a job that SLURM is ending is not."""

import logging

import pytest

from seqtag.training.resume import slurm


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Return a function that installs fake SLURM commands, which record their calls."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    for name in ("SLURM_ARRAY_JOB_ID", "SUBMITIT_EXECUTOR"):
        monkeypatch.delenv(name, raising=False)
    calls = tmp_path / "calls"
    calls.touch()

    def install(state: str, scontrol: str = "exit 0"):
        for name, script in (("squeue", f"echo {state}"), ("scontrol", scontrol)):
            command = tmp_path / name
            command.write_text(f'#!/bin/sh\necho {name} "$@" >> {calls}\n{script}\n')
            command.chmod(0o755)
        return lambda: calls.read_text().splitlines()

    return install


def test_a_job_that_was_only_warned_is_requeued(cluster, caplog):
    calls = cluster("RUNNING")
    with caplog.at_level(logging.INFO):
        slurm.requeue()
    assert calls()[1:] == ["scontrol requeue 7"]
    assert caplog.messages == ["SLURM has requeued job 7"]


@pytest.mark.parametrize("state", ["COMPLETING", "CANCELLED", "''"])
def test_a_job_that_slurm_is_ending_is_not_requeued(state, cluster):
    calls = cluster(state)
    slurm.requeue()
    assert [call.split()[0] for call in calls()] == ["squeue"]


def test_a_job_of_an_array_is_named_by_both_numbers(cluster, monkeypatch):
    calls = cluster("RUNNING")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "40")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    slurm.requeue()
    assert calls() == ["squeue --noheader --format=%T --jobs=40_2", "scontrol requeue 40_2"]


def test_an_error_of_slurm_is_logged(cluster, caplog):
    cluster("RUNNING", scontrol="echo Requested operation is disabled >&2; exit 1")
    slurm.requeue()
    assert caplog.messages == ["SLURM cannot requeue job 7: Requested operation is disabled"]


def test_missing_commands_are_logged(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    slurm.requeue()
    assert "squeue" in caplog.text


@pytest.mark.parametrize("missing", ["SLURM_JOB_ID", "SLURM_STEP_ID"])
def test_a_process_outside_a_job_step_is_not_requeued(missing, cluster, monkeypatch):
    calls = cluster("RUNNING")
    monkeypatch.delenv(missing)
    slurm.requeue()
    assert calls() == []


def test_under_submitit_the_process_waits_to_be_killed(cluster, monkeypatch):
    cluster("RUNNING")
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    waits = []
    monkeypatch.setattr(slurm, "sleep", waits.append)
    slurm.requeue()
    assert waits == [300]
