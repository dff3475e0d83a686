"""How processes find each other: ports, who keeps the store, and what if nobody does."""

import os
import signal
import socket
import sys
import time
from datetime import timedelta
from select import select

import pytest

from seqtag.distributed import rendezvous
from seqtag.distributed.place import end_with_leader
from seqtag.distributed.rendezvous import interface_towards, launched_team, start_followers
from seqtag.errors import InputError, RunStopped


def test_a_port_that_is_taken(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("MASTER_PORT", str(taken.getsockname()[1]))
        with pytest.raises(InputError, match=r"MASTER_PORT=\d+: the port is taken"):
            start_followers(2)
    monkeypatch.setenv("MASTER_PORT", "http")
    with pytest.raises(InputError, match="MASTER_PORT must be a number, not 'http'"):
        start_followers(2)


def test_a_leader_that_is_not_to_be_found(torchrun, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(rendezvous, "_FINDING", timedelta(seconds=0.2))
    with pytest.raises(RunStopped, match=f"first process does not answer at 127.0.0.1:{torchrun}:"):
        launched_team()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_whose_leader_dies_before_it_is_found_ends(torchrun, monkeypatch):
    """A follower of a follower of ours, which dies first; the pipe is closed when both have."""
    reading, writing = os.pipe()
    if (leader := os.fork()) == 0:
        if os.fork() == 0:
            os.environ |= {"RANK": "1", "SEQTAG_LEADER": str(os.getppid())}
            end_with_leader()
            os.write(writing, b"waits")
            launched_team()  # for minutes
        time.sleep(600)
    os.close(writing)
    with open(reading, "rb", buffering=0) as theirs:
        assert theirs.read(5) == b"waits"
        os.kill(leader, signal.SIGKILL)
        os.waitpid(leader, 0)
        assert select([theirs], [], [], 20)[0], "the follower lives on"
        assert theirs.read() == b""


@pytest.fixture
def torchrun(monkeypatch):
    """Be the first of two processes, as torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launched_team.cache_clear()
    for name, value in {
        **{"RANK": 0, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 2, "GROUP_RANK": 0},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
    }.items():
        monkeypatch.setenv(name, str(value))
    yield port
    launched_team.cache_clear()


def test_who_is_launched_meets_at_the_port_that_all_know(torchrun, monkeypatch):
    leader = launched_team()
    assert (leader.place.leads, leader.place.launcher) == (True, "torchrun")
    assert launched_team() is leader
    launched_team.cache_clear()
    monkeypatch.setenv("RANK", "1")
    follower = launched_team()
    leader.tell({"seed": 1})
    assert next(follower.orders()) == {"seed": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_this_machine_reaches_itself_by_its_loopback():
    assert interface_towards("127.0.0.1") == "lo"
    assert interface_towards("localhost") == "lo"


def test_a_host_that_has_no_address():
    assert interface_towards("nobody.invalid") is None
