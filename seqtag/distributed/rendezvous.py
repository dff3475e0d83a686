"""Where the processes that train together find each other: the leader's store, at a port."""

import os
import socket
import struct
import subprocess
from contextlib import suppress
from datetime import timedelta
from functools import cache

from lightning.pytorch.plugins.environments import SLURMEnvironment
from torch import distributed

from seqtag.distributed.place import LEADER, PROGRAM, Place, current_place, environment_of
from seqtag.distributed.team import Team
from seqtag.errors import InputError, RunStopped

try:
    import fcntl
except ImportError:  # there is none on Windows
    fcntl = None

# Until a follower has found the leader, which may have been started later.
_FINDING = timedelta(minutes=2)
# Until a follower knows that the leader has nothing for it to do.
_RUN = timedelta(days=365)


@cache
def launched_team() -> Team:
    """Join the others where a launcher (or the leader) has started this process.

    Raises:
        InputError: if the leader cannot listen at the port that they know.
        RunStopped: if it does not answer there.
    """
    place = current_place()
    if place.launcher == "srun":
        kept = dict(os.environ)
        slurm = SLURMEnvironment()
        address, port = slurm.main_address, slurm.main_port
        os.environ.clear()
        os.environ.update(kept)
    else:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if place.nodes > 1 and (interface := interface_towards(address)):
        # Else gloo takes the address of the host's own name, which often is one for itself alone.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = _store(address, port, keeps=place.leads and not agent)
    return Team(place, store, _store(address, port))


def start_followers(processes: int) -> Team:
    """Start the others on this machine; they find us at MASTER_PORT, if set, else a free port."""
    wanted = os.environ.get("MASTER_PORT", "0")
    if not wanted.isdecimal():
        raise InputError(f"the environment variable MASTER_PORT must be a number, not {wanted!r}")
    store = _store("127.0.0.1", int(wanted), keeps=True)
    port = store.underlying_store.port
    children = []
    for rank in range(1, processes):
        place = Place(rank, processes, rank, processes)
        variables = {**environment_of(place, port), LEADER: str(os.getpid())}
        children.append(
            subprocess.Popen(
                # Its place is in its environment, and there it waits, whatever else is said.
                [*PROGRAM, "train"],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        )
    return Team(Place(0, processes, 0, processes), store, _store("127.0.0.1", port), children)


def _store(address: str, port: int, keeps: bool = False) -> distributed.PrefixStore:
    """Open the store at a port, or keep it there; a restarted torchrun begins with an empty one."""
    try:
        store = distributed.TCPStore(
            address, port, is_master=keeps, wait_for_workers=False, timeout=_FINDING
        )
    except distributed.DistNetworkError as error:
        if not keeps:
            raise RunStopped(
                f"the first process does not answer at {address}:{port}: it has not started within "
                f"{_FINDING.total_seconds():.0f} s, has ended, or is not to be reached from here"
            ) from error
        raise InputError(
            f"MASTER_PORT={port}: the port is taken, or not to be had; leave it unset for a free "
            f"one, or give another ({str(error).splitlines()[0]})"
        ) from error
    store.set_timeout(_RUN)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return distributed.PrefixStore(f"seqtag/{attempt}", store)


# Linux's request for the address of an interface, and where in the answer (struct ifreq) it is.
_SIOCGIFADDR = 0x8915
_ADDRESS = slice(20, 24)
_ANY_PORT = 9


def interface_towards(host: str) -> str | None:
    """Return the name of the interface by which this machine reaches a host, itself included.

    None where that cannot be found out: off Linux, and where the host has no IPv4 address.
    """
    if fcntl is None:
        return None
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((host, _ANY_PORT))  # chooses the way; nothing is sent
        own = socket.inet_aton(asking.getsockname()[0])
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # an interface without an address
                if fcntl.ioctl(asking, _SIOCGIFADDR, request)[_ADDRESS] == own:
                    return name
    return None
