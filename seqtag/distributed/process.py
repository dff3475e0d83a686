"""Rank and launcher of this process, read from the environment variables of torchrun or srun."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from seqtag.errors import InputError

# The command that runs a verb in a new process.
MODULE = "seqtag.cli"
PROGRAM = (sys.executable, "-m", MODULE)
# Environment variable of a follower that the leader started itself: the leader's process id.
LEADER = "SEQTAG_LEADER"
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class ProcessInfo:
    """Rank of a process among those that train together.

    Attributes:
        rank: its rank among all processes; rank 0 is the leader.
        world_size: number of processes.
        local_rank, local_world_size: the same two on its machine.
        node: number of its machine.
        launcher: the program that started all processes, or "" for a single process.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    node: int = 0
    launcher: str = ""

    @property
    def is_leader(self) -> bool:
        """Whether this process runs the program; the others only train, on its instructions."""
        return self.rank == 0

    @property
    def nodes(self) -> int:
        """Number of machines."""
        return self.world_size // self.local_world_size


# For each launcher, the variable that holds a field. All of them are set by that launcher alone.
_TORCHRUN = {
    "rank": "RANK",
    "world_size": "WORLD_SIZE",
    "local_rank": "LOCAL_RANK",
    "local_world_size": "LOCAL_WORLD_SIZE",
    "node": "GROUP_RANK",
}
_SRUN = {
    "rank": "SLURM_PROCID",
    "world_size": "SLURM_STEP_NUM_TASKS",
    "local_rank": "SLURM_LOCALID",
    "nodes": "SLURM_STEP_NUM_NODES",
    "node": "SLURM_NODEID",
}


def current_process(environment: Mapping[str, str] = os.environ) -> ProcessInfo:
    """Return the rank that torchrun or srun gave this process; without them it is the only process.

    Raises:
        InputError: if a variable is not a number, or srun started a different number of processes
            on each machine.
    """
    for launcher, names in (("torchrun", _TORCHRUN), ("srun", _SRUN)):
        if not all(name in environment for name in names.values()):
            continue
        fields = {field: _number(environment, name) for field, name in names.items()}
        nodes = fields.pop("nodes", None)
        if nodes is not None:
            if fields["world_size"] % nodes:
                raise InputError(
                    f"srun started {fields['world_size']} processes on {nodes} machines; give "
                    "each machine the same number, with --ntasks-per-node"
                )
            fields["local_world_size"] = fields["world_size"] // nodes
        if fields["world_size"] > 1:
            return ProcessInfo(**fields, launcher=launcher)
    return ProcessInfo()


def torchrun_environment(process: ProcessInfo, port: int) -> dict[str, str]:
    """Return the environment variables that torchrun would set for a process on this machine."""
    variables = {name: str(getattr(process, field)) for field, name in _TORCHRUN.items()}
    return {**variables, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def exit_with_leader() -> None:
    """Exit this process soon after its leader exits, even while it is blocked.

    Does nothing in processes that torchrun or srun started: those are ended by their launcher.
    """
    leader = os.environ.get(LEADER)

    def watch() -> None:
        while str(os.getppid()) == leader:
            time.sleep(_POLL_SECONDS)
        os._exit(1)

    if leader is not None:
        threading.Thread(target=watch, daemon=True).start()


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isdecimal():
        raise InputError(f"the environment variable {name} must be a number, not {text!r}")
    return int(text)
