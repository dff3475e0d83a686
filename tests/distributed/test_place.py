"""Where a process stands: as torchrun says, or srun, or nobody."""

import pytest

from seqtag.distributed.place import Place, current_place, environment_of
from seqtag.errors import InputError

TORCHRUN = {
    **{"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"},
    "GROUP_RANK": "1",
}
SRUN = {
    **{"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1"},
    **{"SLURM_STEP_NUM_NODES": "2", "SLURM_NODEID": "1"},
}


def test_both_launchers_tell_the_same():
    for launcher, environment in (("torchrun", TORCHRUN), ("srun", SRUN)):
        place = current_place(environment)
        assert place == Place(3, 4, 1, 2, 1, launcher)
        assert (place.leads, place.nodes) == (False, 2)
    assert current_place({**SRUN, **TORCHRUN}).launcher == "torchrun"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"RANK": "1", "WORLD_SIZE": "2"},  # of some other program
        {**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1"},
        {**SRUN, "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NUM_NODES": "1"},
        # Of a batch script, which is one process whatever it may start with srun.
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"},
    ],
)
def test_a_process_of_its_own(environment):
    place = current_place(environment)
    assert place == Place()
    assert place.leads


def test_a_follower_finds_its_place_in_the_environment():
    place = Place(rank=1, processes=3, local_rank=1, local_processes=3)
    told = environment_of(place, 4711)
    assert current_place(told) == Place(1, 3, 1, 3, 0, "torchrun")
    assert (told["MASTER_ADDR"], told["MASTER_PORT"]) == ("127.0.0.1", "4711")


def test_what_no_launcher_says():
    with pytest.raises(InputError, match="variable RANK must be a number, not 'one'"):
        current_place({**TORCHRUN, "RANK": "one"})
    with pytest.raises(InputError, match=r"3 processes on 2 machines.*--ntasks-per-node"):
        current_place({**SRUN, "SLURM_STEP_NUM_TASKS": "3"})
