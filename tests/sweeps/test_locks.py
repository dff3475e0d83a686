"""Locks on run folders: one live run per folder, killed runs, systems without locks."""

import errno
import json
import logging
import os
import signal
import socket
import subprocess
import sys

import pytest

from seqtag.errors import InputError
from seqtag.sweeps import locks
from seqtag.sweeps.locks import LOCK, FolderInUse, FolderLock, live_run

# Holds a lock; a worker forked after that outlives this process.
HOLDER = """
import os, sys, time
from pathlib import Path
from seqtag.sweeps.locks import FolderLock
lock = FolderLock(Path(sys.argv[1]), shared=len(sys.argv) > 2).acquire()
worker = os.fork()
if not worker:
    lock.release()  # no effect in a child, which does not have the lock
    time.sleep(60)
    os._exit(0)
print(worker, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.1)


@pytest.fixture
def hold():
    """Return a function that starts a process which locks a folder; all are ended afterwards."""
    started = []

    def holder(folder, *more):
        command = [sys.executable, "-c", HOLDER, str(folder), *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append((process, int(process.stdout.readline())))
        return process

    yield holder
    for process, worker in started:
        process.kill()
        os.kill(worker, signal.SIGKILL)
        process.communicate()


def test_a_folder_is_locked_until_its_run_is_killed(hold, tmp_path):
    process = hold(tmp_path)
    before = (tmp_path / LOCK).read_bytes()
    with pytest.raises(FolderInUse) as raised:
        FolderLock(tmp_path).acquire()
    message = str(raised.value)
    assert message.startswith(f"{tmp_path}: another run (process {process.pid} on ")
    assert socket.gethostname() in message
    assert live_run(tmp_path) == message
    assert (tmp_path / LOCK).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    process.kill()
    process.wait()
    assert live_run(tmp_path) is None
    with FolderLock(tmp_path):  # although its worker is alive
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_lock_excludes_other_runs_of_the_process(tmp_path):
    folder = tmp_path / "new"
    with FolderLock(folder):
        with pytest.raises(FolderInUse, match="another run of this process"):
            FolderLock(tmp_path / "." / "new").acquire()
        assert "of this process" in live_run(folder)
    assert list(folder.iterdir()) == []
    assert live_run(folder) is None
    with FolderLock(folder):
        pass


def test_shared_locks_exclude_only_exclusive_ones(hold, tmp_path):
    process = hold(tmp_path, "shared")
    with FolderLock(tmp_path, shared=True):
        pass
    with pytest.raises(FolderInUse, match="another run is using this folder"):
        FolderLock(tmp_path).acquire()
    process.kill()
    process.wait()
    with FolderLock(tmp_path, shared=True):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_file_system_without_locks_gives_a_warning(number, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.WARNING, logger="seqtag")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks.fcntl, "lockf", refuse)
    with FolderLock(tmp_path):
        assert live_run(tmp_path) is None
    (line,) = caplog.messages
    assert line.startswith(f"{tmp_path}: its file system has no locks ({os.strerror(number)})")


def test_an_operating_system_without_locks_gives_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(locks, "fcntl", None)
    with FolderLock(tmp_path):
        assert "has no locks" in caplog.text


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/x: cannot be written: Not a directory"):
        FolderLock(tmp_path / "file" / "x").acquire()


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "\x00"])
def test_a_damaged_lock_file_gives_the_usual_message(content, hold, tmp_path):
    hold(tmp_path)
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(FolderInUse, match="another run is using this folder"):
        FolderLock(tmp_path).acquire()


def test_the_message_has_a_remedy_if_another_machine_is_gone(hold, tmp_path):
    hold(tmp_path)
    (tmp_path / LOCK).write_text('{"pid": 1, "host": "elsewhere", "since": "today"}')
    assert f"if that machine is gone, remove {tmp_path / LOCK}" in live_run(tmp_path)
