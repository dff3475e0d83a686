"""Heartbeats: which process counts as frozen, and which only looks frozen."""

import time

import pytest
from torch import distributed

from seqtag.distributed import heartbeat
from seqtag.distributed.heartbeat import TIMEOUT_SECONDS, Heartbeat

STEP = TIMEOUT_SECONDS / 4


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(heartbeat, "_INTERVAL_SECONDS", 0.01)
    return distributed.HashStore()


def wait_for_count(watcher: Heartbeat, rank: int, count: int) -> None:
    """Wait until a process has seen at least `count` heartbeats of another rank."""
    end = time.monotonic() + 20
    while int(watcher._counts.get(rank, b"0")) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_process_without_further_heartbeats_is_frozen_after_the_timeout(store):
    with Heartbeat(store, 0, [1, 2]) as leader:
        assert [leader.frozen_rank(STEP) for _ in range(9)] == [None] * 9, "none has started"
        store.add("heartbeat/1", 1)
        wait_for_count(leader, 1, 1)
        assert [leader.frozen_rank(STEP) for _ in range(4)] == [None] * 4
        assert leader.frozen_rank(STEP) == 1
        store.add("heartbeat/1", 1)
        wait_for_count(leader, 1, 2)
        assert leader.frozen_rank(STEP) is None, "it has resumed"


def test_a_process_has_time_to_start(store):
    with Heartbeat(store, 0, [1], startup=9 * STEP) as leader:
        assert [leader.frozen_rank(STEP) for _ in range(8)] == [None] * 8
        assert leader.frozen_rank(STEP) == 1
        store.add("heartbeat/1", 1)
        wait_for_count(leader, 1, 1)
        assert leader.frozen_rank(STEP) is None


def test_heartbeats_are_sent_only_inside_the_context(store):
    leader, follower = Heartbeat(store, 0, [1]), Heartbeat(store, 1, [0])
    with follower:
        with leader:
            wait_for_count(leader, 1, 2)
            wait_for_count(follower, 0, 2)
        assert [follower.frozen_rank(STEP) for _ in range(6)][-1] == 0
        with leader:
            count = int(store.get("heartbeat/0"))
            wait_for_count(follower, 0, count + 2)
            assert follower.frozen_rank(STEP) is None
