"""Executors for the batches of a call."""

from concurrent.futures import Executor, ThreadPoolExecutor

from seqtag.tagging.synchronous import SynchronousExecutor


class _Pool(ThreadPoolExecutor):
    """Threads; after an error, Ctrl-C included, batches that have not started are dropped."""

    def __exit__(self, *error: object) -> None:
        self.shutdown(cancel_futures=error[0] is not None)


def workers(threads: int) -> Executor:
    """Return an executor with a number of threads; it runs in the calling thread if that is 1."""
    return _Pool(threads, "seqtag") if threads > 1 else SynchronousExecutor()
