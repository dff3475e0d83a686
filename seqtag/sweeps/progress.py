"""How a sweep gets on whose jobs run in other processes: a line for each that has ended."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from seqtag.sweeps.records import RECORD, read_record

log = logging.getLogger("seqtag")

# Seconds between two looks at the records of the jobs.
_EVERY = 1.0


@contextmanager
def logging_ends(folders: Sequence[Path]) -> Iterator[None]:
    """While the jobs of these folders run elsewhere, log each that ends, as its record says."""
    before = {folder: _written(folder) for folder in folders}
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(before, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(running: dict[Path, int | None], over: threading.Event) -> None:
    """Look at the records until all is over, and once more.

    Args:
        running: the jobs' folders, and when the record in each was written before they began.
        over: set when all is over.
    """
    count, started = len(running), time.monotonic()
    last = False
    while running and not last:
        last = over.wait(_EVERY)
        for folder, before in list(running.items()):
            how = None if _written(folder) == before else _end(folder)
            if how is None:
                continue
            del running[folder]
            done = count - len(running)
            left = (time.monotonic() - started) / done * len(running)
            log.info("%d of %d: %s %s; %s to go", done, count, folder.name, how, _clock(left))


def _written(folder: Path) -> int | None:
    """Return when the record of a job was written, in nanoseconds; None if there is none."""
    try:
        return (folder / RECORD).stat().st_mtime_ns
    except OSError:
        return None


def _end(folder: Path) -> str | None:
    """Return how a job has ended by its record; None if it has not."""
    record = read_record(folder)
    if record.get("error") is not None:
        return f"failed: {record['error']}"
    return f"done in {_clock(record['seconds'])}" if record.get("finished") else None


def _clock(seconds: float) -> str:
    """Return a time as hours, minutes and seconds: 0:02:30."""
    return str(timedelta(seconds=round(seconds)))
