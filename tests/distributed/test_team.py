"""Followers and their leader: what they tell each other, and what each loss is called."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
import torch
from torch import distributed

from seqtag.distributed import heartbeat as pulse
from seqtag.distributed import team as teams
from seqtag.distributed.place import Place
from seqtag.distributed.team import Team, is_broken
from seqtag.errors import InputError, RunStopped

CPU = torch.device("cpu")


@pytest.fixture
def team():
    """Return a function from a number to a team of so many processes, all of them in this one."""

    def make(processes: int = 2) -> list[Team]:
        store = distributed.HashStore()
        return [Team(Place(rank, processes), store, store) for rank in range(processes)]

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
    assert list(Team(Place(1, 2), theirs, theirs).orders()) == []


def test_whose_data_differ(team):
    leader, first, second = team(3)
    for follower, digest in ((first, "same"), (second, "other")):
        follower.store.set(f"data/1/{follower.place.rank}", digest)
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
    assert len(caplog.records) == 1
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


def test_a_follower_that_is_stopped(team, sleeper, monkeypatch):
    """It is there, and gives a last sign of life; that is all the same to what waits for it."""
    monkeypatch.setattr(pulse, "_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 1.0)
    leader, follower = team()
    leader.children.append(sleeper)
    sleeper.send_signal(signal.SIGSTOP)
    follower.store.add("sign/1", 1)
    message = "process 2 of 2 gives no sign of life: .* ckpt_path=last"
    with pytest.raises(RunStopped, match=message), leader.training(CPU, "same"):
        pytest.fail("trained alone")
    assert sleeper.returncode == -signal.SIGKILL


def test_a_leader_that_is_stopped(team, monkeypatch, capfd):
    """A follower ends itself: nothing reaches what it waits in."""
    monkeypatch.setattr(pulse, "_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.5)
    leader, follower = team()
    # That it has ended, the others say by setting free what waits.
    monkeypatch.setattr(teams.os, "_exit", lambda code: follower.store.set("data/1/0", "other"))
    leader.tell({})
    leader.store.add("sign/0", 1)
    next(orders := follower.orders())
    with pytest.raises(InputError), follower.training(CPU, "same"):
        pytest.fail("trained alone")
    orders.close()
    assert "seqtag: process 1 of 2 gives no sign of life" in capfd.readouterr().err


def test_who_waits_at_the_store_hinders_nobody_from_ending_the_process(sleeper, monkeypatch):
    """A follower is killed while the leader waits for it to join the process group."""
    monkeypatch.setattr(teams, "_GRACE_SECONDS", 0.1)
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    store.set_timeout(timedelta(seconds=20))
    beside, third = (distributed.TCPStore("127.0.0.1", store.port) for _ in range(2))
    leader = Team(Place(0, 2), store, beside, [sleeper])
    third.set("data/1/1", "same")

    def join(*args, **options):
        sleeper.kill()
        store.get("end")

    monkeypatch.setattr(distributed, "init_process_group", join)
    monkeypatch.setattr(teams.os, "_exit", lambda code: third.set("end", str(code)))
    leader.tell({})
    with leader.training(CPU, "same"):
        assert store.get("end") == b"1"


def test_followers_that_do_not_go_are_ended(team, sleeper):
    leader, _ = team()
    leader.children.append(sleeper)
    leader.part(seconds=0.2)
    assert sleeper.returncode == -signal.SIGKILL
