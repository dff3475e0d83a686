"""Settings of the C library's memory allocator."""

import ctypes
import sys

# Numbers of the parameters of `mallopt`, from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 30
_LARGEST_BLOCK_BYTES = 32 << 20  # the largest value that glibc accepts


def keep_freed_memory() -> bool:
    """Make the process keep up to 1 GiB of freed memory instead of returning it to the system.

    By default glibc returns large blocks to the system when they are freed. Each training step
    frees and allocates the same megabytes, and a tenth of its time is lost because the system
    clears them. Call it from programs, not from a library: it affects the whole process.

    Returns:
        Whether both thresholds were set, which requires Linux with glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    thresholds = ((_M_MMAP_THRESHOLD, _LARGEST_BLOCK_BYTES), (_M_TRIM_THRESHOLD, _KEPT_BYTES))
    succeeded = [mallopt(parameter, value) == 1 for parameter, value in thresholds]
    return all(succeeded)
