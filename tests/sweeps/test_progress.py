"""Log lines about jobs in other processes, from changes of their records."""

import logging
import time

from seqtag.sweeps import progress
from seqtag.sweeps.progress import logging_finished_jobs
from seqtag.sweeps.records import Identity, write_record


def record(folder, **what):
    folder.mkdir(exist_ok=True)
    write_record(Identity(folder, {}), **what)


def test_each_job_that_ends_is_logged_once(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="seqtag")
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    quick, broken, killed, again = (tmp_path / name for name in ("a", "b", "c", "d"))
    record(again, finished=False, error="of an earlier try")
    with logging_finished_jobs([quick, broken, killed, again]):
        record(quick, finished=False, error=None)
        time.sleep(0.1)
        assert caplog.messages == []
        record(quick, finished=True, error=None, seconds=61.6)
        while not caplog.messages:
            time.sleep(0.01)
        record(killed, finished=False, error=None)
        record(broken, finished=False, error="ZeroDivisionError: no")
    first, second = caplog.messages
    assert first.startswith("1 of 4: a done in 0:01:02; 0:00:0")
    assert second.startswith("2 of 4: b failed: ZeroDivisionError: no; 0:00:0")
