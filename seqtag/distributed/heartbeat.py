"""Signs of life: how processes notice that one of them is frozen, which neither works nor ends.

A process that is stopped (SIGSTOP), or whose machine is cut off, breaks no connection: the others
would wait for it. One that is busy, however long, goes on giving signs, from a thread of its own.
"""

import math
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from torch import distributed

_EVERY_SECONDS = 1.0
# Without a sign for so long, a process is frozen. torchrun takes another 30 s to end a stopped one.
PATIENCE_SECONDS = 20.0


class Pulse:
    """Gives this process's signs of life while it is entered, and looks at those of others.

    Args:
        store: where signs are left; a connection for this alone: who waits at one has it locked.
        rank: the number of this process.
        others: those whose signs are looked at.
        beginning: seconds that they have until the first one.
    """

    def __init__(
        self,
        store: distributed.Store,
        rank: int,
        others: Iterable[int],
        beginning: float = math.inf,
    ) -> None:
        self._store, self._rank, self._others = store, rank, tuple(others)
        self._beginning = beginning
        self._over = threading.Event()  # of the thread that is running
        self._signs: dict[int, bytes] = {}  # the last of each
        self._known: dict[int, bytes] = {}
        self._silent: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._signs, self._known, self._silent = {}, {}, {}
        threading.Thread(target=self._beat, args=(self._over,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def silent(self, seconds: float) -> int | None:
        """Return the number of a process that is frozen; None where there is none.

        To be asked again and again, each time with the seconds that the asking process has waited
        since. These are summed up, and not the clock looked at, as that goes on while all of
        them are stopped, or while this one is.
        """
        for rank in self._others:
            sign, known = self._signs.get(rank), self._known.get(rank)
            if sign is not None:
                self._known[rank] = sign
            self._silent[rank] = self._silent.get(rank, 0.0) + seconds if sign == known else 0.0
            if self._silent[rank] >= (self._beginning if sign is None else PATIENCE_SECONDS):
                return rank
        return None

    def _beat(self, over: threading.Event) -> None:
        # The store has ended, or its process; where that is frozen, this waits, and all are silent.
        with suppress(distributed.DistError):
            while not over.wait(_EVERY_SECONDS):
                self._store.add(f"sign/{self._rank}", 1)
                for rank in self._others:
                    if self._store.check([f"sign/{rank}"]):
                        self._signs[rank] = self._store.get(f"sign/{rank}")
