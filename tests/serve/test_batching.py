"""Worker threads: order, batches, errors and limits."""

import asyncio
import threading

import pytest

from seqtag.serve.batching import Batcher, Overloaded


def run(main, function, **options):
    """Run a coroutine function with a batcher whose workers call `function`."""

    async def inside():
        options_ = {"workers": 1, "most_waiting": 100, "batch_size": 10, **options}
        batcher = Batcher(function, **options_)
        try:
            return await main(batcher)
        finally:
            batcher.close()

    return asyncio.run(asyncio.wait_for(inside(), 10))


def test_waiting_items_of_a_kind_share_a_batch():
    batches, started, proceed = [], threading.Event(), threading.Event()

    def work(kind, items):
        batches.append((kind, items))
        started.set()
        proceed.wait()
        return [item * 2 for item in items]

    async def main(batcher):
        first = asyncio.create_task(batcher.submit("a", 0, 1))
        await asyncio.to_thread(started.wait)
        kinds = ["a", "b", "a", "a", "b"]
        rest = [asyncio.create_task(batcher.submit(k, n, 4)) for n, k in enumerate(kinds, 1)]
        await asyncio.sleep(0)
        assert batcher.waiting == 5
        proceed.set()
        return await asyncio.gather(first, *rest)

    assert run(main, work) == [0, 2, 4, 6, 8, 10]
    # At most 10 in a batch, the oldest first.
    assert batches == [("a", [0]), ("a", [1, 3]), ("b", [2, 5]), ("a", [4])]


def test_an_error_concerns_one_item():
    started, proceed = threading.Event(), threading.Event()

    def work(kind, items):
        started.set()
        proceed.wait()
        return [1 // item for item in items]

    async def main(batcher):
        first = asyncio.create_task(batcher.submit("a", 1, 1))
        await asyncio.to_thread(started.wait)
        rest = [asyncio.create_task(batcher.submit("a", item, 1)) for item in (1, 0, 1)]
        await asyncio.sleep(0)
        proceed.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    results = run(main, work)
    assert isinstance(results[2], ZeroDivisionError)
    assert results[:2] + results[3:] == [1, 1, 1]


def test_too_many_items_are_refused_and_cancelled_ones_are_not_run():
    ran, proceed = [], threading.Event()

    def work(kind, items):
        proceed.wait()
        ran.extend(items)
        return items

    async def main(batcher):
        tasks = [asyncio.create_task(batcher.submit("a", item, 10)) for item in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await batcher.submit("a", 3, 10)
        tasks[1].cancel()
        await asyncio.sleep(0)
        proceed.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(main, work, most_waiting=2)
    assert ran == [0, 2]


def test_workers_run_at_the_same_time():
    barrier = threading.Barrier(3)

    def work(kind, items):
        barrier.wait(5)
        return items

    async def main(batcher):
        return await asyncio.gather(*(batcher.submit("a", item, 10) for item in range(3)))

    assert run(main, work, workers=3) == [0, 1, 2]
