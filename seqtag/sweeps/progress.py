"""Progress of a sweep whose jobs run in other processes: a log line for each that ends."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from seqtag.sweeps.records import RECORD, read_record

log = logging.getLogger("seqtag")

# Seconds between two checks of the jobs' records.
_EVERY = 1.0


@contextmanager
def logging_finished_jobs(folders: Sequence[Path]) -> Iterator[None]:
    """Log each job that ends inside the context, from the record in its folder."""
    before = {folder: _written(folder) for folder in folders}
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(before, done), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(running: dict[Path, int | None], done: threading.Event) -> None:
    """Check the records until `done` is set, and once more after that.

    Args:
        running: the jobs' folders, with the times at which their earlier records were written.
        done: set when all jobs have ended.
    """
    count, started = len(running), time.monotonic()
    last = False
    while running and not last:
        last = done.wait(_EVERY)
        for folder, before in list(running.items()):
            result = None if _written(folder) == before else _result(folder)
            if result is None:
                continue
            del running[folder]
            ended = count - len(running)
            left = (time.monotonic() - started) / ended * len(running)
            log.info("%d of %d: %s %s; %s to go", ended, count, folder.name, result, _clock(left))


def _written(folder: Path) -> int | None:
    """Return the modification time of a job's record, in nanoseconds; None if there is none."""
    try:
        return (folder / RECORD).stat().st_mtime_ns
    except OSError:
        return None


def _result(folder: Path) -> str | None:
    """Return a text on how a job has ended, from its record; None if it has not ended."""
    record = read_record(folder)
    if record.get("error") is not None:
        return f"failed: {record['error']}"
    return f"done in {_clock(record['seconds'])}" if record.get("finished") else None


def _clock(seconds: float) -> str:
    """Return a time as hours, minutes and seconds: 0:02:30."""
    return str(timedelta(seconds=round(seconds)))
