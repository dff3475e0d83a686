"""Which of several processes this one is, as what started it says in the environment."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from seqtag.errors import InputError

# What runs a verb in a process of its own.
MODULE = "seqtag.cli"
PROGRAM = (sys.executable, "-m", MODULE)
# Names, to a process that another one has started to train beside it, that one.
LEADER = "SEQTAG_LEADER"
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Place:
    """The place of a process among those that train together.

    Attributes:
        rank: its number among all; 0 leads.
        processes: how many there are.
        local_rank, local_processes: the same on its machine.
        node: number of its machine.
        launcher: what started them all, or "" for a process on its own.
    """

    rank: int = 0
    processes: int = 1
    local_rank: int = 0
    local_processes: int = 1
    node: int = 0
    launcher: str = ""

    @property
    def leads(self) -> bool:
        """Whether this process runs the program; the others only train, as it tells them."""
        return self.rank == 0

    @property
    def nodes(self) -> int:
        """How many machines there are."""
        return self.processes // self.local_processes


# The variables that tell a field, by launcher; it was that one if all are there.
_TORCHRUN = {
    "rank": "RANK",
    "processes": "WORLD_SIZE",
    "local_rank": "LOCAL_RANK",
    "local_processes": "LOCAL_WORLD_SIZE",
    "node": "GROUP_RANK",
}
_SRUN = {
    "rank": "SLURM_PROCID",
    "processes": "SLURM_STEP_NUM_TASKS",
    "local_rank": "SLURM_LOCALID",
    "nodes": "SLURM_STEP_NUM_NODES",
    "node": "SLURM_NODEID",
}


def current_place(environment: Mapping[str, str] = os.environ) -> Place:
    """Return the place of this process: torchrun's (which may run within SLURM), srun's, or alone.

    Raises:
        InputError: for a variable that is no number, and processes that nodes cannot share evenly.
    """
    for launcher, names in (("torchrun", _TORCHRUN), ("srun", _SRUN)):
        if not all(name in environment for name in names.values()):
            continue
        found = {field: _number(environment, name) for field, name in names.items()}
        nodes = found.pop("nodes", None)
        if nodes is not None:
            if found["processes"] % nodes:
                raise InputError(
                    f"srun started {found['processes']} processes on {nodes} machines; give each "
                    "as many, with --ntasks-per-node"
                )
            found["local_processes"] = found["processes"] // nodes
        if found["processes"] > 1:
            return Place(**found, launcher=launcher)
    return Place()


def environment_of(place: Place, port: int) -> dict[str, str]:
    """Return the variables that give a process its place on this machine, as torchrun does."""
    found = {name: str(getattr(place, field)) for field, name in _TORCHRUN.items()}
    return {**found, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def end_with_leader() -> None:
    """Have this process end soon after the one that has started it, whatever it waits for then.

    What torchrun or srun has started, these end.
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
