"""Rendezvous of the processes that train together: the leader's store, at a known port."""

import os
import socket
import struct
import subprocess
from contextlib import suppress
from datetime import timedelta
from functools import cache

from lightning.pytorch.plugins.environments import SLURMEnvironment
from torch import distributed

from seqtag.distributed.process import (
    LEADER,
    PROGRAM,
    ProcessInfo,
    current_process,
    torchrun_environment,
)
from seqtag.distributed.team import Team
from seqtag.errors import InputError, RunStopped

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# How long a follower tries to connect: the leader may be started later.
_CONNECT_TIMEOUT = timedelta(minutes=2)
# How long a follower waits for the next settings: longer than any run.
_WAIT_TIMEOUT = timedelta(days=365)


@cache
def launched_team() -> Team:
    """Return the team of processes that a launcher (or the leader) started, connected to its store.

    Raises:
        InputError: if the leader cannot listen at the port.
        RunStopped: if the leader does not answer there.
    """
    process = current_process()
    if process.launcher == "srun":
        environment = dict(os.environ)
        slurm = SLURMEnvironment()
        address, port = slurm.main_address, slurm.main_port
        os.environ.clear()
        os.environ.update(environment)
    else:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if process.nodes > 1 and (interface := interface_towards(address)):
        # By default gloo uses the address of the host name, which often is a loopback address.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = _store(address, port, is_server=process.is_leader and not agent)
    return Team(process, store, _store(address, port))


def start_followers(processes: int) -> Team:
    """Start the followers on this machine, and return the team.

    The store listens at the port MASTER_PORT, if that is set, else at a free port.
    """
    requested = os.environ.get("MASTER_PORT", "0")
    if not requested.isdecimal():
        raise InputError(
            f"the environment variable MASTER_PORT must be a number, not {requested!r}"
        )
    store = _store("127.0.0.1", int(requested), is_server=True)
    port = store.underlying_store.port
    children = []
    for rank in range(1, processes):
        follower = ProcessInfo(rank, processes, rank, processes)
        variables = {**torchrun_environment(follower, port), LEADER: str(os.getpid())}
        children.append(
            subprocess.Popen(
                # No settings: with a rank in its environment it waits for those of the leader.
                [*PROGRAM, "train"],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        )
    leader = ProcessInfo(0, processes, 0, processes)
    return Team(leader, store, _store("127.0.0.1", port), children)


def _store(address: str, port: int, is_server: bool = False) -> distributed.PrefixStore:
    """Serve the store at a port, or connect to it; each restart of torchrun has its own keys."""
    try:
        store = distributed.TCPStore(
            address, port, is_master=is_server, wait_for_workers=False, timeout=_CONNECT_TIMEOUT
        )
    except distributed.DistNetworkError as error:
        if not is_server:
            seconds = _CONNECT_TIMEOUT.total_seconds()
            raise RunStopped(
                f"the first process does not answer at {address}:{port}: it has not started within "
                f"{seconds:.0f} s, has ended, or cannot be reached from this machine"
            ) from error
        raise InputError(
            f"MASTER_PORT={port}: the port is in use or unavailable; leave it unset for a free "
            f"port, or choose another one ({str(error).splitlines()[0]})"
        ) from error
    store.set_timeout(_WAIT_TIMEOUT)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return distributed.PrefixStore(f"seqtag/{attempt}", store)


# Linux's request for the address of an interface, and its position in the answer (struct ifreq).
_SIOCGIFADDR = 0x8915
_ADDRESS = slice(20, 24)
_ANY_PORT = 9


def interface_towards(host: str) -> str | None:
    """Return the name of the network interface through which this machine reaches a host.

    Returns None where that is unknown: on systems other than Linux, and for a host without an IPv4
    address. The host may be this machine.
    """
    if fcntl is None:
        return None
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, _ANY_PORT))  # selects the route; sends nothing
        own = socket.inet_aton(sock.getsockname()[0])
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # an interface without an address
                if fcntl.ioctl(sock, _SIOCGIFADDR, request)[_ADDRESS] == own:
                    return name
    return None
