"""The team of processes that train together: how they synchronize and detect a lost process.

They share a store of torch.distributed, served by the leader (or by torchrun's agent). Its keys:
``settings/N`` the settings of training N, null to exit; ``digest/N/RANK`` the digest of a process's
data; ``failed/N/RANK`` the error of a follower; ``exited/RANK`` set when a follower exits;
``heartbeat/RANK`` the number of heartbeats of a process.
"""

import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any

import torch
from torch import distributed

from seqtag.distributed.heartbeat import Heartbeat
from seqtag.distributed.process import ProcessInfo
from seqtag.errors import InputError, RunStopped
from seqtag.terminal import escape_controls

log = logging.getLogger("seqtag")

# Timeout of a collective operation: the longest that one process may be ahead of another within an
# epoch, even on a slow disk. A process that died is noticed at once.
_COLLECTIVE_TIMEOUT = timedelta(minutes=10)
# Time for all processes to read the corpus, which may not be cached on their machine yet.
_DATA_TIMEOUT = timedelta(hours=1)
_POLL_SECONDS = 0.1
# Time for processes to notice by themselves that another one ended, before they are ended.
_GRACE_SECONDS = 5.0
_EXIT_SECONDS = 30.0
# Time from the start of a process until its first heartbeat: it may load from a slow disk.
_STARTUP_SECONDS = 300.0
_FROZEN = "sends no heartbeat: it is suspended or unreachable"
_RESUME_ADVICE = "to resume, run the same command with ckpt_path=last and this run's hydra.run.dir"


class Team:
    """The processes that train together, from the point of view of one of them.

    Args:
        process: the rank of this process.
        store: a connection to the shared store.
        second_store: another connection to it, for heartbeats and for checks while `store` is in
            use: a blocking call locks its connection.
        children: the followers that this process started.
    """

    def __init__(
        self,
        process: ProcessInfo,
        store: distributed.Store,
        second_store: distributed.Store,
        children: Sequence[subprocess.Popen] = (),
    ) -> None:
        self.process, self.store, self.second_store = process, store, second_store
        self.children = list(children)
        self._number = 0  # of the current training
        self._heartbeat = Heartbeat(
            second_store,
            process.rank,
            self._followers if process.is_leader else [0],
            _STARTUP_SECONDS if children else math.inf,  # a launcher may start ranks much later
        )
        self._frozen: set[int] = set()  # ranks of children that were killed because they froze
        self._parent = os.getppid()

    def send_settings(self, plain_settings: Mapping[str, Any] | None) -> None:
        """Send the followers the settings of the next training; None: there is no next one."""
        self._number += 1
        self.store.set(f"settings/{self._number}", json.dumps(plain_settings))

    def received_settings(self) -> Iterator[dict[str, Any]]:
        """Yield the settings of each training, until the leader sends None or has exited."""
        with self._heartbeat:
            while True:
                try:
                    settings = json.loads(self.store.get(f"settings/{self._number + 1}"))
                except distributed.DistError:
                    return
                if settings is None:
                    return
                self._number += 1
                yield settings

    @contextmanager
    def training(self, device: torch.device, digest: str) -> Iterator[None]:
        """Form a process group of all ranks; losing one of them ends the training on all.

        Args:
            device: the device of this process.
            digest: digest of its data; all processes must have the same.

        Raises:
            InputError: if the digests differ, or a follower refused its settings or data.
            RunStopped: if a follower failed, was killed or froze.
        """
        with self._watching():
            try:
                self._compare_digests(digest)
                distributed.init_process_group(
                    "nccl" if device.type == "cuda" else "gloo",
                    store=distributed.PrefixStore(f"group/{self._number}", self.store),
                    rank=self.process.rank,
                    world_size=self.process.world_size,
                    timeout=_COLLECTIVE_TIMEOUT,
                    device_id=device if device.type == "cuda" else None,
                )
                yield
            except RuntimeError as error:
                if self.process.is_leader and is_connection_error(error):
                    raise self._loss_error(_GRACE_SECONDS) from error
                raise
            finally:
                if distributed.is_initialized():
                    distributed.destroy_process_group()

    def release_followers(self, seconds: float = _EXIT_SECONDS) -> None:
        """Make the followers exit, and wait; kill followers started here that take too long."""
        self.send_settings(None)
        end = time.monotonic() + seconds
        for child in self.children:
            try:
                child.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        exited = [f"exited/{rank}" for rank in self._followers]
        # The store ends with this process, and some followers may not even be connected yet.
        while not self.children and time.monotonic() < end and not self.store.check(exited):
            time.sleep(_POLL_SECONDS)

    def report_exit(self) -> None:
        """Record in the store that this follower exits."""
        with suppress(distributed.DistError):  # the leader has already exited
            self.store.set(f"exited/{self.process.rank}", "")

    def report_failure(self, error: BaseException) -> None:
        """Record in the store why this follower stops, unless another process is the cause."""
        if is_connection_error(error):
            return
        trace = "" if isinstance(error, InputError | RunStopped) else traceback.format_exc()
        report = {
            "is_input_error": isinstance(error, InputError),
            "message": str(error) or type(error).__name__,
            "traceback": trace,
        }
        with suppress(distributed.DistError):
            self.store.set(f"failed/{self._number}/{self.process.rank}", json.dumps(report))

    def _compare_digests(self, digest: str) -> None:
        """Wait until every process has read its data, and compare their digests with `digest`."""
        self.store.set(f"digest/{self._number}/{self.process.rank}", digest)
        end = time.monotonic() + _DATA_TIMEOUT.total_seconds()
        for rank in range(self.process.world_size):
            key = f"digest/{self._number}/{rank}"
            while not self.store.check([key]):
                if time.monotonic() > end or (self.process.is_leader and self._is_follower_lost()):
                    raise self._loss_error()
                time.sleep(_POLL_SECONDS)
            if self.store.get(key).decode() != digest:
                raise InputError(
                    f"{self._name(rank)} has different data from this one: files, labels, "
                    "vocabulary or checkpoint differ; give all processes the same files "
                    "(data.path) and the same version of seqtag"
                )

    @property
    def _followers(self) -> range:
        return range(1, self.process.world_size)

    def _name(self, rank: int) -> str:
        return f"process {rank + 1} of {self.process.world_size}"

    def _is_follower_lost(self) -> bool:
        """Return whether a follower has failed or exited."""
        return any(child.poll() is not None for child in self.children) or any(
            self.second_store.check([key])
            for rank in self._followers
            for key in (f"failed/{self._number}/{rank}", f"exited/{rank}")
        )

    def _loss_error(self, patience: float = 0.0) -> InputError | RunStopped:
        """Return the exception for a lost process, waiting up to `patience` s for its cause."""
        end = time.monotonic() + patience
        while not self._is_follower_lost() and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        for rank in self._followers:
            key = f"failed/{self._number}/{rank}"
            if self.second_store.check([key]):
                report = json.loads(self.second_store.get(key))
                if report["is_input_error"]:
                    return InputError(f"{self._name(rank)}: {report['message']}")
                if report["traceback"]:
                    log.error("%s\n%s", self._name(rank), report["traceback"].rstrip())
                return RunStopped(f"{self._name(rank)} failed: {report['message']}")
        for rank, child in enumerate(self.children, 1):
            if (code := child.poll()) is not None:
                how = _FROZEN if rank in self._frozen else _exit_description(code)
                return RunStopped(f"{self._name(rank)} {how}; {_RESUME_ADVICE}")
        return RunStopped(
            f"another one of {self.process.world_size} processes was lost; {_RESUME_ADVICE}"
        )

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Watch the other processes from a thread."""
        stop = threading.Event()
        # A follower's heartbeat has been running since it connected.
        with self._heartbeat if self.process.is_leader else nullcontext():
            threading.Thread(target=self._watch, args=(stop,), daemon=True).start()
            try:
                yield
            finally:
                stop.set()

    def _watch(self, stop: threading.Event) -> None:
        """Exit this process if another one is lost and a collective operation blocks forever.

        No exception can interrupt a blocked collective operation.
        """
        while not stop.wait(_POLL_SECONDS):
            frozen = self._heartbeat.frozen_rank(_POLL_SECONDS)
            if frozen and self.children:
                self._frozen.add(frozen)
                self.children[frozen - 1].kill()  # breaks the connections that wait for it
            elif frozen is not None:
                self._exit(f"{self._name(frozen)} {_FROZEN}; {_RESUME_ADVICE}")
            # A leader without a launcher may outlive the shell that started it.
            orphaned = bool(self.process.launcher) and os.getppid() != self._parent
            lost = any(child.poll() is not None for child in self.children)
            if (orphaned or lost) and not stop.wait(2 * _GRACE_SECONDS):
                self._exit(str(self._loss_error()) if lost else "")

    def _exit(self, message: str) -> None:
        if message:
            print(f"seqtag: {escape_controls(message)}", file=sys.stderr, flush=True)
        for child in self.children:
            child.kill()
        os._exit(1)


def is_connection_error(error: BaseException) -> bool:
    """Return whether an error is a connection lost to another process."""
    return isinstance(error, distributed.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )


def _exit_description(code: int) -> str:
    """Describe how a process with this return code ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
