"""Followers and their leader: what they tell each other, and what each loss is called."""

import signal
import socket
import subprocess
import sys
import time

import pytest
import torch
from torch import distributed

from seqtag.errors import InputError, RunStopped
from seqtag.training.place import Place
from seqtag.training.team import Team, is_broken, launched_team, start_followers

CPU = torch.device("cpu")


@pytest.fixture
def team():
    """Return a function from a number to a team of so many processes, all of them in this one."""

    def make(processes: int = 2) -> list[Team]:
        store = distributed.HashStore()
        return [Team(Place(rank, processes), store) for rank in range(processes)]

    return make


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_followers_get_what_the_leader_tells_until_it_lets_go(team):
    leader, *followers = team(3)
    config = {"seed": 1, "data": {"path": "ü", "columns": ["a"], "x": None}, "lr": 0.1}
    leader.tell(config)
    orders = [follower.orders() for follower in followers]
    assert [next(own) for own in orders] == [config, config]
    leader.tell(None)
    for follower, own in zip(followers, orders, strict=True):
        assert list(own) == []
        follower.leave()
    started = time.monotonic()
    leader.part()
    assert time.monotonic() - started < 5, "all have parted already"


def test_a_leader_that_is_gone_has_no_orders():
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    theirs = distributed.TCPStore("127.0.0.1", store.port, is_master=False)
    del store
    assert list(Team(Place(1, 2), theirs).orders()) == []


def test_whose_data_differ(team):
    leader, first, second = team(3)
    for follower, told in ((first, "same"), (second, "other")):
        follower.store.set(f"told/1/{follower.place.rank}", told)
    leader.tell({})
    with (
        pytest.raises(InputError, match="process 3 of 3 has other data than this one"),
        leader.training(CPU, "same"),
    ):
        pytest.fail("trained all the same")
    assert not distributed.is_initialized()


def test_the_leader_says_why_a_follower_gave_up(team, caplog):
    for error, kind, message in (
        (InputError("no such file 'x'"), InputError, "process 2 of 2: no such file 'x'"),
        (RunStopped("a worker died"), RunStopped, "process 2 of 2 failed: a worker died"),
        (ZeroDivisionError("a bug"), RunStopped, "process 2 of 2 failed: a bug"),
    ):
        leader, follower = team()
        leader.tell({})
        next(follower.orders())
        try:
            raise error
        except Exception as raised:
            follower.give_up(raised)
        with pytest.raises(kind, match=message), leader.training(CPU, "same"):
            pytest.fail("trained alone")
    assert caplog.text.count("Traceback") == 1
    assert "raise error\nZeroDivisionError: a bug" in caplog.text


def test_that_another_one_is_lost_is_nothing_to_give_up_for(team):
    leader, follower = team()
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")
    assert is_broken(lost)
    assert is_broken(distributed.DistNetworkError("reset"))
    assert not is_broken(RuntimeError("out of memory"))
    leader.tell({})
    next(follower.orders())
    follower.give_up(lost)
    assert not leader.store.check(["failed/1/1"])


def test_a_follower_that_is_killed(team, sleeper):
    leader, _ = team()
    leader.children.append(sleeper)
    sleeper.send_signal(signal.SIGKILL)
    message = r"process 2 of 2 was killed by SIGKILL; .*ckpt_path=last"
    with pytest.raises(RunStopped, match=message), leader.training(CPU, "same"):
        pytest.fail("trained alone")


def test_followers_that_do_not_go_are_ended(team, sleeper):
    leader, _ = team()
    leader.children.append(sleeper)
    leader.part(seconds=0.2)
    assert sleeper.returncode == -signal.SIGKILL


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
