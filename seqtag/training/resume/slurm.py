"""Requeue a SLURM job that was warned of its end."""

from __future__ import annotations

import logging
import os
import subprocess
from time import sleep

log = logging.getLogger("seqtag")

# Longer than the time within which SLURM kills a requeued job (KillWait, 30 s by default).
_KILL_WAIT_SECONDS = 300


def requeue() -> None:
    """Requeue the SLURM job of this process, if SLURM has warned it but is not ending it yet.

    SLURM warns by SIGUSR1 before the time limit (``sbatch --signal=USR1@120``), and by SIGTERM when
    the grace time of a preemption starts; a job that then exits by itself is not requeued by SLURM.
    A job that SLURM ends immediately is in the state COMPLETING when the signal arrives: if it was
    preempted, SLURM itself requeues it, and if it was cancelled, it must not be requeued. SLURM
    signals only processes started by `srun`: outside of a job step this does nothing.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or "SLURM_STEP_ID" not in os.environ:
        return
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        job = f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    try:
        if _output_of("squeue", "--noheader", "--format=%T", f"--jobs={job}") != "RUNNING":
            return
        _output_of("scontrol", "requeue", job)
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        log.warning("SLURM cannot requeue job %s: %s", job, reason.strip())
        return
    log.info("SLURM has requeued job %s", job)
    if "SUBMITIT_EXECUTOR" in os.environ:
        # submitit treats a process that exits as a finished job. Wait until SLURM kills both.
        sleep(_KILL_WAIT_SECONDS)


def _output_of(*command: str) -> str:
    """Return the standard output of a command."""
    completed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return completed.stdout.strip()
