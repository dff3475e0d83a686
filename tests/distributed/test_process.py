"""The rank of a process: as set by torchrun, by srun, or of a single process."""

import pytest

from seqtag.distributed.process import ProcessInfo, current_process, torchrun_environment
from seqtag.errors import InputError

TORCHRUN = {
    **{"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"},
    "GROUP_RANK": "1",
}
SRUN = {
    **{"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1"},
    **{"SLURM_STEP_NUM_NODES": "2", "SLURM_NODEID": "1"},
}


def test_both_launchers_set_the_same_rank():
    for launcher, environment in (("torchrun", TORCHRUN), ("srun", SRUN)):
        process = current_process(environment)
        assert process == ProcessInfo(3, 4, 1, 2, 1, launcher)
        assert (process.is_leader, process.nodes) == (False, 2)
    assert current_process({**SRUN, **TORCHRUN}).launcher == "torchrun"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"RANK": "1", "WORLD_SIZE": "2"},  # of another program
        {**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1"},
        {**SRUN, "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NUM_NODES": "1"},
        # Of a batch script: a single process, whatever it may start with srun.
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"},
    ],
)
def test_a_single_process(environment):
    process = current_process(environment)
    assert process == ProcessInfo()
    assert process.is_leader


def test_a_follower_reads_its_rank_from_the_environment():
    process = ProcessInfo(rank=1, world_size=3, local_rank=1, local_world_size=3)
    variables = torchrun_environment(process, 4711)
    assert current_process(variables) == ProcessInfo(1, 3, 1, 3, 0, "torchrun")
    assert (variables["MASTER_ADDR"], variables["MASTER_PORT"]) == ("127.0.0.1", "4711")


def test_invalid_variables_are_refused():
    with pytest.raises(InputError, match="variable RANK must be a number, not 'one'"):
        current_process({**TORCHRUN, "RANK": "one"})
    with pytest.raises(InputError, match=r"3 processes on 2 machines.*--ntasks-per-node"):
        current_process({**SRUN, "SLURM_STEP_NUM_TASKS": "3"})
