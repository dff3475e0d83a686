"""The sentences of which a tagger is least sure, to be labelled next (active learning)."""

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Lowest(Generic[T]):
    """The `count` values with the lowest scores; of equal scores, the earliest ones.

    Of values with the same key, which must have the same score, only the first one counts.

        lowest = Lowest(2)
        for score, word in ((0.9, "a"), (0.1, "b"), (0.1, "b"), (0.5, "c")):
            lowest.add(score, word, word)
        list(lowest)  # ["b", "c"]

    At most `count` values are in memory.
    """

    def __init__(self, count: int) -> None:
        self._count, self._added = count, 0
        # The first item of the heap is the one to drop: the highest score, the latest value.
        self._heap: list[tuple[float, int, T, Hashable]] = []
        self._keys: set[Hashable] = set()

    def add(self, score: float, value: T, key: Hashable = None) -> None:
        """Add a value, unless there is one with this key; without a key in any case."""
        if key is not None and key in self._keys:
            return
        self._added += 1
        item = (-score, -self._added, value, key)
        self._keys.add(key)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, item)
        else:
            *_, dropped = heapq.heappushpop(self._heap, item)
            self._keys.discard(dropped)

    def __iter__(self) -> Iterator[T]:
        """Yield the values, the lowest score first."""
        return (value for _, _, value, _ in sorted(self._heap, key=lambda item: item[:2])[::-1])
