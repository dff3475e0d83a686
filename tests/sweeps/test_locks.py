"""Locks on run folders: one live run, which may die in any way; systems without locks."""

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

# Holds a lock, beside a worker that was forked after it was taken and outlives this process.
HOLDER = """
import os, sys, time
from pathlib import Path
from seqtag.sweeps.locks import FolderLock
lock = FolderLock(Path(sys.argv[1]), shared=len(sys.argv) > 2).acquire()
worker = os.fork()
if not worker:
    lock.release()  # of a child: it has no lock to give back
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
    """Return a function that has another process lock a folder; what it started is ended."""
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


def test_one_live_run_and_none_that_was_killed(hold, tmp_path):
    process = hold(tmp_path)
    before = (tmp_path / LOCK).read_bytes()
    with pytest.raises(FolderInUse) as raised:
        FolderLock(tmp_path).acquire()
    said = str(raised.value)
    assert said.startswith(f"{tmp_path}: another run (process {process.pid} on ")
    assert socket.gethostname() in said
    assert live_run(tmp_path) == said
    assert (tmp_path / LOCK).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    process.kill()
    process.wait()
    assert live_run(tmp_path) is None
    with FolderLock(tmp_path):  # though its worker lives
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_within_a_process_too(tmp_path):
    folder = tmp_path / "new"
    with FolderLock(folder):
        with pytest.raises(FolderInUse, match="another run of this process"):
            FolderLock(tmp_path / "." / "new").acquire()
        assert "of this process" in live_run(folder)
    assert list(folder.iterdir()) == []
    assert live_run(folder) is None
    with FolderLock(folder):
        pass


def test_those_that_share_a_search(hold, tmp_path):
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
def test_a_file_system_without_locks(number, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.WARNING, logger="seqtag")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks.fcntl, "lockf", refuse)
    with FolderLock(tmp_path):
        assert live_run(tmp_path) is None
    (line,) = caplog.messages
    assert line.startswith(f"{tmp_path}: its file system has no locks ({os.strerror(number)})")


def test_a_system_without_locks(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(locks, "fcntl", None)
    with FolderLock(tmp_path):
        assert "has no locks" in caplog.text


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/x: cannot be written: Not a directory"):
        FolderLock(tmp_path / "file" / "x").acquire()


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "\x00"])
def test_a_damaged_signature_is_no_fault(content, hold, tmp_path):
    hold(tmp_path)
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(FolderInUse, match="another run is using this folder"):
        FolderLock(tmp_path).acquire()


def test_the_machine_of_the_other_run_may_be_gone(hold, tmp_path):
    hold(tmp_path)
    (tmp_path / LOCK).write_text('{"pid": 1, "host": "elsewhere", "since": "today"}')
    assert f"if that machine is gone, remove {tmp_path / LOCK}" in live_run(tmp_path)
