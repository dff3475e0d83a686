"""SLURM's part when a run is asked to stop: a job that was only warned is started again."""

from __future__ import annotations

import logging
import os
import subprocess
from time import sleep

log = logging.getLogger("seqtag")

# Seconds within which SLURM ends a job that it is to start again (KillWait, 30 by default).
_ENDED_WITHIN = 300


def requeue() -> None:
    """Have SLURM start this job again, if it is one of SLURM's that was warned but not ended.

    It warns by SIGUSR1 before the time is up (``sbatch --signal=USR1@120``), and by SIGTERM when
    the grace of a preemption begins; a job that ends by itself then is over. One that SLURM ends
    at once is COMPLETING when the signal arrives: if it was preempted SLURM starts it again of its
    own accord, and if it was cancelled nobody should. SLURM warns what `srun` has started: any
    other process of a job was told to stop by somebody else.
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
        why = getattr(error, "stderr", None) or str(error)
        log.warning("SLURM was asked to start job %s again, and cannot: %s", job, why.strip())
        return
    log.info("SLURM starts job %s again", job)
    if "SUBMITIT_EXECUTOR" in os.environ:
        # To submitit a process that ends has done its job. SLURM ends both before long.
        sleep(_ENDED_WITHIN)


def _output_of(*command: str) -> str:
    """Return what a command of SLURM's prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()
