"""Leader and followers: the messages between them, and the error for each lost process."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
import torch
from torch import distributed

from seqtag.distributed import heartbeat
from seqtag.distributed import team as team_module
from seqtag.distributed.process import ProcessInfo
from seqtag.distributed.team import Team, is_connection_error
from seqtag.errors import InputError, RunStopped

CPU = torch.device("cpu")


@pytest.fixture
def team():
    """Return a function that creates N team members, all of them in this process."""

    def make(processes: int = 2) -> list[Team]:
        store = distributed.HashStore()
        return [Team(ProcessInfo(rank, processes), store, store) for rank in range(processes)]

    return make


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_followers_receive_settings_until_the_leader_releases_them(team):
    leader, *followers = team(3)
    config = {"seed": 1, "data": {"path": "ü", "columns": ["a"], "x": None}, "lr": 0.1}
    leader.send_settings(config)
    received = [follower.received_settings() for follower in followers]
    assert [next(settings) for settings in received] == [config, config]
    leader.send_settings(None)
    for follower, settings in zip(followers, received, strict=True):
        assert list(settings) == []
        follower.report_exit()
    started = time.monotonic()
    leader.release_followers()
    assert time.monotonic() - started < 5, "all have already exited"


def test_no_settings_are_received_after_the_leader_exits():
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    client = distributed.TCPStore("127.0.0.1", store.port, is_master=False)
    del store
    assert list(Team(ProcessInfo(1, 2), client, client).received_settings()) == []


def test_processes_with_different_data_are_refused(team):
    leader, first, second = team(3)
    for follower, digest in ((first, "same"), (second, "other")):
        follower.store.set(f"digest/1/{follower.process.rank}", digest)
    leader.send_settings({})
    with (
        pytest.raises(InputError, match="process 3 of 3 has different data from this one"),
        leader.training(CPU, "same"),
    ):
        pytest.fail("trained nevertheless")
    assert not distributed.is_initialized()


def test_the_leader_reports_the_error_of_a_follower(team, caplog):
    for error, kind, message in (
        (InputError("no such file 'x'"), InputError, "process 2 of 2: no such file 'x'"),
        (RunStopped("a worker died"), RunStopped, "process 2 of 2 failed: a worker died"),
        (ZeroDivisionError("a bug"), RunStopped, "process 2 of 2 failed: a bug"),
    ):
        leader, follower = team()
        leader.send_settings({})
        next(follower.received_settings())
        try:
            raise error
        except Exception as raised:
            follower.report_failure(raised)
        with pytest.raises(kind, match=message), leader.training(CPU, "same"):
            pytest.fail("trained alone")
    assert len(caplog.records) == 1
    assert "raise error\nZeroDivisionError: a bug" in caplog.text


def test_a_lost_connection_is_not_reported_as_a_failure(team):
    leader, follower = team()
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")
    assert is_connection_error(lost)
    assert is_connection_error(distributed.DistNetworkError("reset"))
    assert not is_connection_error(RuntimeError("out of memory"))
    leader.send_settings({})
    next(follower.received_settings())
    follower.report_failure(lost)
    assert not leader.store.check(["failed/1/1"])


def test_a_killed_follower_stops_the_run(team, sleeper):
    leader, _ = team()
    leader.children.append(sleeper)
    sleeper.send_signal(signal.SIGKILL)
    message = r"process 2 of 2 was killed by SIGKILL; .*ckpt_path=last"
    with pytest.raises(RunStopped, match=message), leader.training(CPU, "same"):
        pytest.fail("trained alone")


def test_a_suspended_follower_is_killed(team, sleeper, monkeypatch):
    """A suspended process breaks no connection: only its heartbeat is missing."""
    monkeypatch.setattr(heartbeat, "_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "TIMEOUT_SECONDS", 1.0)
    leader, follower = team()
    leader.children.append(sleeper)
    sleeper.send_signal(signal.SIGSTOP)
    follower.store.add("heartbeat/1", 1)
    message = "process 2 of 2 sends no heartbeat: .* ckpt_path=last"
    with pytest.raises(RunStopped, match=message), leader.training(CPU, "same"):
        pytest.fail("trained alone")
    assert sleeper.returncode == -signal.SIGKILL


def test_a_follower_of_a_suspended_leader_exits(team, monkeypatch, capfd):
    """It exits from its watching thread: a blocked collective operation raises nothing."""
    monkeypatch.setattr(heartbeat, "_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "TIMEOUT_SECONDS", 0.5)
    leader, follower = team()

    # Instead of exiting, unblock the training by a digest that differs.
    def unblock(code):
        follower.store.set("digest/1/0", "other")

    monkeypatch.setattr(team_module.os, "_exit", unblock)
    leader.send_settings({})
    leader.store.add("heartbeat/0", 1)
    next(received := follower.received_settings())
    with pytest.raises(InputError), follower.training(CPU, "same"):
        pytest.fail("trained alone")
    received.close()
    assert "seqtag: process 1 of 2 sends no heartbeat" in capfd.readouterr().err


def test_the_process_can_exit_while_a_call_blocks_the_store(sleeper, monkeypatch):
    """A follower is killed while the leader waits for it to join the process group."""
    monkeypatch.setattr(team_module, "_GRACE_SECONDS", 0.1)
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    store.set_timeout(timedelta(seconds=20))
    second, third = (distributed.TCPStore("127.0.0.1", store.port) for _ in range(2))
    leader = Team(ProcessInfo(0, 2), store, second, [sleeper])
    third.set("digest/1/1", "same")

    def join(*args, **options):
        sleeper.kill()
        store.get("end")

    monkeypatch.setattr(distributed, "init_process_group", join)
    monkeypatch.setattr(team_module.os, "_exit", lambda code: third.set("end", str(code)))
    leader.send_settings({})
    with leader.training(CPU, "same"):
        assert store.get("end") == b"1"


def test_followers_that_do_not_exit_are_killed(team, sleeper):
    leader, _ = team()
    leader.children.append(sleeper)
    leader.release_followers(seconds=0.2)
    assert sleeper.returncode == -signal.SIGKILL
