"""Heartbeats, by which processes detect that another process is frozen.

A process that is suspended (SIGSTOP), or whose machine is cut off, breaks no connection: the others
would wait for it forever. A busy process keeps sending heartbeats, from a thread of its own.
"""

import math
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from torch import distributed

_INTERVAL_SECONDS = 1.0
# A process without a heartbeat for this long is frozen. torchrun needs another 30 s to end a
# suspended process.
TIMEOUT_SECONDS = 20.0


class Heartbeat:
    """Context manager that sends this process's heartbeat and watches those of others.

    Args:
        store: where heartbeats are counted; a connection used for nothing else, because a blocking
            call locks its connection.
        rank: the rank of this process.
        watched: the ranks whose heartbeats are watched.
        startup: seconds that each of them has until its first heartbeat.
    """

    def __init__(
        self,
        store: distributed.Store,
        rank: int,
        watched: Iterable[int],
        startup: float = math.inf,
    ) -> None:
        self._store, self._rank, self._watched = store, rank, tuple(watched)
        self._startup = startup
        self._stop = threading.Event()  # of the thread that is running
        self._counts: dict[int, bytes] = {}  # heartbeats so far, by rank
        self._last_counts: dict[int, bytes] = {}
        self._waited: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._counts, self._last_counts, self._waited = {}, {}, {}
        threading.Thread(target=self._beat, args=(self._stop,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()

    def frozen_rank(self, waited: float) -> int | None:
        """Return the rank of a frozen process, or None.

        Call repeatedly, with the seconds waited since the last call. Waits are summed because the
        clock also runs while the processes are suspended.
        """
        for rank in self._watched:
            count, last = self._counts.get(rank), self._last_counts.get(rank)
            if count is not None:
                self._last_counts[rank] = count
            self._waited[rank] = self._waited.get(rank, 0.0) + waited if count == last else 0.0
            if self._waited[rank] >= (self._startup if count is None else TIMEOUT_SECONDS):
                return rank
        return None

    def _beat(self, stop: threading.Event) -> None:
        # An error means that the store is closed. If its process is frozen, these calls block, and
        # the counts of all ranks stand still.
        with suppress(distributed.DistError):
            while not stop.wait(_INTERVAL_SECONDS):
                self._store.add(f"heartbeat/{self._rank}", 1)
                for rank in self._watched:
                    if self._store.check([f"heartbeat/{rank}"]):
                        self._counts[rank] = self._store.get(f"heartbeat/{rank}")
