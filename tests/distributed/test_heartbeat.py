"""Signs of life: who is frozen, and who only looks as if."""

import time

import pytest
from torch import distributed

from seqtag.distributed import heartbeat as pulse
from seqtag.distributed.heartbeat import PATIENCE_SECONDS, Pulse

STEP = PATIENCE_SECONDS / 4


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(pulse, "_EVERY_SECONDS", 0.01)
    return distributed.HashStore()


def seen(looking: Pulse, rank: int, sign: bytes) -> None:
    """Wait until this very sign is seen, or a later one."""
    end = time.monotonic() + 20
    while int(looking._signs.get(rank, b"0")) < int(sign):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_that_gives_no_more_signs_is_frozen_in_the_end(store):
    with Pulse(store, 0, [1, 2]) as leader:
        assert [leader.silent(STEP) for _ in range(9)] == [None] * 9, "nobody has begun"
        store.add("sign/1", 1)
        seen(leader, 1, b"1")
        assert [leader.silent(STEP) for _ in range(4)] == [None] * 4
        assert leader.silent(STEP) == 1
        store.add("sign/1", 1)
        seen(leader, 1, b"2")
        assert leader.silent(STEP) is None, "it has gone on"


def test_one_has_its_time_to_begin(store):
    with Pulse(store, 0, [1], beginning=9 * STEP) as leader:
        assert [leader.silent(STEP) for _ in range(8)] == [None] * 8
        assert leader.silent(STEP) == 1
        store.add("sign/1", 1)
        seen(leader, 1, b"1")
        assert leader.silent(STEP) is None


def test_each_hears_the_others_while_it_is_entered(store):
    leader, follower = Pulse(store, 0, [1]), Pulse(store, 1, [0])
    with follower:
        with leader:
            seen(leader, 1, b"2")
            seen(follower, 0, b"2")
        assert [follower.silent(STEP) for _ in range(6)][-1] == 0
        with leader:
            known = store.get("sign/0")
            seen(follower, 0, str(int(known) + 2).encode())
            assert follower.silent(STEP) is None
