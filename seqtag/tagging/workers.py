"""Threads that run batches side by side."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import torch


class Workers:
    """An executor for so many batches; on a CPU with several threads, workers of one thread each.

    Most operations on a batch are too small for two threads to be worth their meeting, so each
    batch has one. Elsewhere a batch runs where it is submitted.
    """

    def __init__(self, device: torch.device, batches: int) -> None:
        threads = torch.get_num_threads() if device.type == "cpu" else 1
        self._count, self._threads = min(threads, batches), threads

    def __enter__(self) -> Executor:
        if self._count <= 1:
            return _Here()
        self._pool = ThreadPoolExecutor(
            self._count,
            thread_name_prefix="seqtag",
            initializer=torch.set_num_threads,
            initargs=(1,),
        )
        return self._pool

    def __exit__(self, *error: object) -> None:
        if self._count <= 1:
            return
        try:
            # After an error, Ctrl-C included, batches that have not started are dropped.
            self._pool.shutdown(cancel_futures=error[0] is not None)
        finally:
            # The workers' setting is their own, but threads to come would take it over.
            torch.set_num_threads(self._threads)


class _Here(Executor):
    """Runs what it is given at once, where it is called."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future:
        """Return a future that is done."""
        done: Future = Future()
        done.set_result(function(*args, **options))
        return done
