"""`keep_freed_memory` makes the process keep the memory that it frees."""

import subprocess
import sys

import pytest

FAULTS = """
import ctypes, resource
from seqtag.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        ctypes.memset(block := libc.malloc(8 << 20), 1, 8 << 20)
        libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallopt(-3, 1 << 20)  # a fixed threshold, so that malloc does not adapt it
before = faults()
print(keep_freed_memory(), before, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: glibc's malloc")
def test_page_faults_of_repeated_allocations_become_rare():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True)
    set_, before, after = done.stdout.split()
    assert set_ == "True"
    assert int(after) < int(before) / 5
