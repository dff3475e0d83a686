"""An executor without threads."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class SynchronousExecutor(Executor):
    """Executor that runs each function immediately, in the calling thread."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future:
        """Run the function; return a finished future."""
        future: Future = Future()
        future.set_result(function(*args, **options))
        return future
