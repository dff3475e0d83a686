"""How the process deals with memory that it has freed."""

import ctypes
import sys

# Of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 30
_LARGEST_BLOCK_BYTES = 32 << 20  # the most that glibc takes


def keep_freed_memory() -> bool:
    """Let the process keep up to 1 GiB that it has freed, for the next step of the same size.

    glibc hands large blocks back to the system when they are freed. A training step frees and asks
    for the same megabytes again and again, and spends a tenth of its time on the system's clearing
    them. To be called by programs, not by a library, as it goes for the whole process.

    Returns:
        Whether it could be set: on Linux with glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_THRESHOLD, _LARGEST_BLOCK_BYTES), (_M_TRIM_THRESHOLD, _KEPT_BYTES))
    done = [mallopt(setting, value) == 1 for setting, value in settings]
    return all(done)
