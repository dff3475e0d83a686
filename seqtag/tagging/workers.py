"""Run batches in parallel threads."""

from concurrent.futures import Executor, ThreadPoolExecutor

import torch

from seqtag.tagging.synchronous import SynchronousExecutor


class Workers:
    """Context manager of an executor for a number of batches.

    On a CPU, batches run in parallel, each in one thread: most operations on a batch are too small
    to profit from two threads. On other devices, and with one thread, `submit` runs the batch.
    """

    def __init__(self, device: torch.device, batches: int) -> None:
        threads = torch.get_num_threads() if device.type == "cpu" else 1
        self._count, self._threads = min(threads, batches), threads

    def __enter__(self) -> Executor:
        if self._count <= 1:
            return SynchronousExecutor()
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
            # Each worker has set its own number of threads, but new threads would inherit it.
            torch.set_num_threads(self._threads)
