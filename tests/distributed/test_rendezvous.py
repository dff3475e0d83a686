"""Rendezvous: ports, the process that serves the store, and a leader that is missing."""

import os
import signal
import socket
import sys
import time
from datetime import timedelta
from select import select

import pytest

from seqtag.distributed import rendezvous
from seqtag.distributed.process import exit_with_leader
from seqtag.distributed.rendezvous import interface_towards, launched_team, start_followers
from seqtag.errors import InputError, RunStopped


def test_a_port_in_use_is_refused(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("MASTER_PORT", str(other.getsockname()[1]))
        with pytest.raises(InputError, match=r"MASTER_PORT=\d+: the port is in use"):
            start_followers(2)
    monkeypatch.setenv("MASTER_PORT", "http")
    with pytest.raises(InputError, match="MASTER_PORT must be a number, not 'http'"):
        start_followers(2)


def test_a_leader_that_cannot_be_reached(torchrun, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(rendezvous, "_CONNECT_TIMEOUT", timedelta(seconds=0.2))
    with pytest.raises(RunStopped, match=f"first process does not answer at 127.0.0.1:{torchrun}:"):
        launched_team()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_follower_exits_if_its_leader_dies_before_they_connect(torchrun, monkeypatch):
    """A child is the leader and a grandchild the follower; when both end, the pipe is closed."""
    read_end, write_end = os.pipe()
    if (leader := os.fork()) == 0:
        if os.fork() == 0:
            os.environ |= {"RANK": "1", "SEQTAG_LEADER": str(os.getppid())}
            exit_with_leader()
            os.write(write_end, b"waits")
            launched_team()  # tries to connect for two minutes
        time.sleep(600)
    os.close(write_end)
    with open(read_end, "rb", buffering=0) as pipe:
        assert pipe.read(5) == b"waits"
        os.kill(leader, signal.SIGKILL)
        os.waitpid(leader, 0)
        assert select([pipe], [], [], 20)[0], "the follower is still running"
        assert pipe.read() == b""


@pytest.fixture
def torchrun(monkeypatch):
    """Set the environment of the first of two processes of torchrun; return the port."""
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


def test_launched_processes_connect_at_the_port_in_the_environment(torchrun, monkeypatch):
    leader = launched_team()
    assert (leader.process.is_leader, leader.process.launcher) == (True, "torchrun")
    assert launched_team() is leader
    launched_team.cache_clear()
    monkeypatch.setenv("RANK", "1")
    follower = launched_team()
    leader.send_settings({"seed": 1})
    assert next(follower.received_settings()) == {"seed": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_this_machine_reaches_itself_through_its_loopback_interface():
    assert interface_towards("127.0.0.1") == "lo"
    assert interface_towards("localhost") == "lo"


def test_a_host_without_an_address_has_no_interface():
    assert interface_towards("nobody.invalid") is None
