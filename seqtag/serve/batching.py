"""Worker threads that run requests; those that wait for the same work run as one batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Overloaded(Exception):
    """Too many requests are waiting."""


class _Job(NamedTuple):
    kind: Hashable
    item: Any
    size: int
    done: asyncio.Future[Any]


class Batcher:
    """Runs items in worker threads, in the order of their arrival.

    A free worker takes the first waiting item, and with it others of the same kind, so far as they
    fit into a batch. Nothing waits for a batch to fill: batches form only while all workers are
    busy, which is when they pay. All methods are called in the thread of the event loop.

    Args:
        run: from a kind and a list of items to the list of their results.
        workers: number of threads.
        most_waiting: number of items that may wait.
        batch_size: sum of the sizes of the items in a batch. A larger item runs alone.
    """

    def __init__(
        self,
        run: Callable[[Any, list[Any]], Sequence[Any]],
        workers: int,
        most_waiting: int,
        batch_size: int,
    ) -> None:
        self._run = run
        self._free, self._most_waiting, self._batch_size = workers, most_waiting, batch_size
        self._waiting: deque[_Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="seqtag-serve")

    @property
    def waiting(self) -> int:
        """Number of items that no worker has taken yet."""
        return len(self._waiting)

    async def submit(self, kind: Hashable, item: Any, size: int) -> Any:
        """Return the result of an item, when a worker has run it.

        Raises:
            Overloaded: if too many items are waiting.
        """
        if len(self._waiting) >= self._most_waiting:
            raise Overloaded
        job = _Job(kind, item, size, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._start()
        return await job.done

    def close(self) -> None:
        """Drop what is waiting, and end the threads after their current batches."""
        for job in self._waiting:
            job.done.cancel()
        self._waiting.clear()
        self._pool.shutdown(wait=True)

    def _start(self) -> None:
        """Give batches of waiting items to free workers."""
        while self._free and (batch := self._next_batch()):
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._work(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _next_batch(self) -> list[_Job]:
        """Remove the first waiting item and those that run with it, and return them."""
        batch: list[_Job] = []
        left: deque[_Job] = deque()
        size = 0
        for job in self._waiting:
            if job.done.done():  # the client has gone
                continue
            fits = not batch or (job.kind == batch[0].kind and size + job.size <= self._batch_size)
            (batch if fits else left).append(job)
            size += job.size * fits
        self._waiting = left
        return batch

    async def _work(self, batch: list[_Job]) -> None:
        loop = asyncio.get_running_loop()
        items = [job.item for job in batch]
        try:
            outcomes = await loop.run_in_executor(self._pool, self._outcomes, batch[0].kind, items)
        finally:
            self._free += 1
        for job, outcome in zip(batch, outcomes, strict=True):
            if job.done.done():
                continue
            if isinstance(outcome, BaseException):
                job.done.set_exception(outcome)
            else:
                job.done.set_result(outcome)
        self._start()

    def _outcomes(self, kind: Any, items: list[Any]) -> Sequence[Any]:
        """Return the result of each item, or its error; one item's error is not another's."""
        try:
            return self._run(kind, items)
        except Exception as error:
            if len(items) == 1:
                return [error]
        return [outcome for item in items for outcome in self._outcomes(kind, [item])]
