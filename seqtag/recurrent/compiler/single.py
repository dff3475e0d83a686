"""Work that the threads of a process do one at a time."""

import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

_lock = threading.Lock()


def _after_fork() -> None:
    # The thread that held it is not in the child.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with each call waiting until no other thread runs such a function.

    For builds: threads that need the same kernel at once would otherwise each start a compiler,
    and on few cores all of them may exceed the time limit. The second one finds what the first
    has built.
    """

    @wraps(function)
    def alone(*args: Any) -> Any:
        with _lock:
            return function(*args)

    return alone
