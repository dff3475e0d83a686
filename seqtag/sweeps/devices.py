"""The GPUs of each job of a sweep, if several jobs run on this machine at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

VARIABLE = "CUDA_VISIBLE_DEVICES"
_LIST_DEVICES = ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader")


@contextmanager
def devices_for_job(number: int, count: Any) -> Iterator[None]:
    """Set CUDA_VISIBLE_DEVICES for a job, which is started in this context.

    Args:
        number: the number of the job, from 0. Jobs take the GPUs in turn.
        count: number of GPUs that the job uses (``trainer.devices``). For any value that is not a
            number, such as ``auto``, and if there are not as many GPUs, nothing is set.
    """
    before = os.environ.get(VARIABLE)
    chosen = devices_of(number, count, visible_devices()) if _is_count(count) else None
    if chosen is None:
        yield
        return
    os.environ[VARIABLE] = ",".join(chosen)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def devices_of(number: int, count: int, visible: Sequence[str]) -> list[str] | None:
    """Return the GPUs of the job with this number, in turn; None if there are fewer than `count`.

    devices_of(2, 1, ["0", "1"])  # ["0"]
    """
    if not 1 <= count <= len(visible):
        return None
    return [visible[(number * count + index) % len(visible)] for index in range(count)]


def visible_devices() -> list[str]:
    """Return the names of the GPUs that this process may use, without initialising CUDA.

    These are the entries of CUDA_VISIBLE_DEVICES if it is set, else the numbers that ``nvidia-smi``
    lists; [] if there is no such program.
    """
    if (listed := os.environ.get(VARIABLE)) is not None:
        names = [name.strip() for name in listed.split(",")]
        # CUDA ignores the first invalid entry, such as -1, and all after it.
        valid = [name not in ("", "-1") for name in names]
        return names[: valid.index(False)] if False in valid else names
    try:
        done = subprocess.run(_LIST_DEVICES, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
