"""The processes that train together: how they agree, and notice when one is lost.

They meet at a store of torch.distributed, kept by the leader (by torchrun's agent, if there is
one). Its keys: ``order/N`` the configuration of training N, or null to go home; ``data/N/RANK``
the digest of its data; ``failed/N/RANK`` why a follower has given up; ``parted/RANK`` that it
goes; ``sign/RANK`` how many signs of life a process has given.
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

from seqtag.distributed.heartbeat import Pulse
from seqtag.distributed.place import Place
from seqtag.errors import InputError, RunStopped
from seqtag.terminal import escape_controls

log = logging.getLogger("seqtag")

# The longest that one process is ahead of another within an epoch, ever so slow a disk; that a
# process has died shows at once.
_STEP = timedelta(minutes=10)
# Until all have read the corpus, which may be the first time on their machine.
_MEETING = timedelta(hours=1)
_POLL_SECONDS = 0.1
# From the end of one process until the others, if they do not notice, are ended.
_GRACE_SECONDS = 5.0
_PARTING_SECONDS = 30.0
# From the start of a process until its first sign of life, from the slowest of disks.
_BEGINNING_SECONDS = 300.0
_FROZEN = "gives no sign of life: it is stopped, or out of reach"
_GO_ON = "the same command with ckpt_path=last and this run's hydra.run.dir goes on"


class Team:
    """The processes that train together, as one of them sees them.

    Args:
        place: its own place.
        store: where they meet.
        beside: another connection to it, for what must not wait: who waits at one has it locked.
        children: the followers that this process has started.
    """

    def __init__(
        self,
        place: Place,
        store: distributed.Store,
        beside: distributed.Store,
        children: Sequence[subprocess.Popen] = (),
    ) -> None:
        self.place, self.store, self.beside = place, store, beside
        self.children = list(children)
        self._number = 0  # of the training that was started last
        self._pulse = Pulse(
            beside,
            place.rank,
            self._followers if place.leads else [0],
            _BEGINNING_SECONDS if children else math.inf,  # others may begin later
        )
        self._frozen: set[int] = set()  # those of the children that were ended for it
        self._parent = os.getppid()

    def tell(self, order: Mapping[str, Any] | None) -> None:
        """Tell the followers what to train now; None: nothing any more."""
        self._number += 1
        self.store.set(f"order/{self._number}", json.dumps(order))

    def orders(self) -> Iterator[dict[str, Any]]:
        """Yield what the leader says is to be trained, until it has no more, or is gone."""
        with self._pulse:
            while True:
                try:
                    order = json.loads(self.store.get(f"order/{self._number + 1}"))
                except distributed.DistError:
                    return
                if order is None:
                    return
                self._number += 1
                yield order

    @contextmanager
    def training(self, device: torch.device, digest: str) -> Iterator[None]:
        """Be one process group, once all have the same data; whoever is lost ends it for all.

        Raises:
            InputError: if their data differ, or a follower could not begin.
            RunStopped: if a follower ended before its time.
        """
        with self._watched():
            try:
                self._agree(digest)
                distributed.init_process_group(
                    "nccl" if device.type == "cuda" else "gloo",
                    store=distributed.PrefixStore(f"group/{self._number}", self.store),
                    rank=self.place.rank,
                    world_size=self.place.processes,
                    timeout=_STEP,
                    device_id=device if device.type == "cuda" else None,
                )
                yield
            except RuntimeError as error:
                if self.place.leads and is_broken(error):
                    raise self._loss(_GRACE_SECONDS) from error
                raise
            finally:
                if distributed.is_initialized():
                    distributed.destroy_process_group()

    def part(self, seconds: float = _PARTING_SECONDS) -> None:
        """Let the followers go; those that were started here have ended when this returns."""
        self.tell(None)
        end = time.monotonic() + seconds
        for child in self.children:
            try:
                child.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        others = [f"parted/{rank}" for rank in self._followers]
        # The store ends with this process, and some may not even have found it yet.
        while not self.children and time.monotonic() < end and not self.store.check(others):
            time.sleep(_POLL_SECONDS)

    def leave(self) -> None:
        """Leave word that this follower goes."""
        with suppress(distributed.DistError):  # the leader has gone before
            self.store.set(f"parted/{self.place.rank}", "")

    def give_up(self, error: BaseException) -> None:
        """Leave word of why this follower does not train on, unless another one was lost."""
        if is_broken(error):
            return
        trace = "" if isinstance(error, InputError | RunStopped) else traceback.format_exc()
        word = {
            "mistake": isinstance(error, InputError),
            "what": str(error) or type(error).__name__,
            "trace": trace,
        }
        with suppress(distributed.DistError):
            self.store.set(f"failed/{self._number}/{self.place.rank}", json.dumps(word))

    def _agree(self, digest: str) -> None:
        """Wait until every process has read its data, and compare the digests of their data."""
        self.store.set(f"data/{self._number}/{self.place.rank}", digest)
        end = time.monotonic() + _MEETING.total_seconds()
        for rank in range(self.place.processes):
            key = f"data/{self._number}/{rank}"
            while not self.store.check([key]):
                if time.monotonic() > end or (self.place.leads and self._lost()):
                    raise self._loss()
                time.sleep(_POLL_SECONDS)
            if self.store.get(key).decode() != digest:
                raise InputError(
                    f"{self._name(rank)} has other data than this one: files, labels, vocabulary "
                    "or checkpoint differ; give all processes the same files (data.path) and "
                    "program"
                )

    @property
    def _followers(self) -> range:
        return range(1, self.place.processes)

    def _name(self, rank: int) -> str:
        return f"process {rank + 1} of {self.place.processes}"

    def _lost(self) -> bool:
        """Whether a follower has given up, or ended."""
        return any(child.poll() is not None for child in self.children) or any(
            self.beside.check([key])
            for rank in self._followers
            for key in (f"failed/{self._number}/{rank}", f"parted/{rank}")
        )

    def _loss(self, patience: float = 0.0) -> InputError | RunStopped:
        """Return what is to be raised for followers that are lost, once it is known, or may be."""
        end = time.monotonic() + patience
        while not self._lost() and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        for rank in self._followers:
            key = f"failed/{self._number}/{rank}"
            if self.beside.check([key]):
                word = json.loads(self.beside.get(key))
                if word["mistake"]:
                    return InputError(f"{self._name(rank)}: {word['what']}")
                if word["trace"]:
                    log.error("%s\n%s", self._name(rank), word["trace"].rstrip())
                return RunStopped(f"{self._name(rank)} failed: {word['what']}")
        for rank, child in enumerate(self.children, 1):
            if (code := child.poll()) is not None:
                how = _FROZEN if rank in self._frozen else _ended(code)
                return RunStopped(f"{self._name(rank)} {how}; {_GO_ON}")
        return RunStopped(f"another one of {self.place.processes} processes was lost; {_GO_ON}")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Notice meanwhile when another one is lost."""
        over = threading.Event()
        # A follower has given signs of life since it began.
        with self._pulse if self.place.leads else nullcontext():
            threading.Thread(target=self._watch, args=(over,), daemon=True).start()
            try:
                yield
            finally:
                over.set()

    def _watch(self, over: threading.Event) -> None:
        """End this process if another one is lost and a collective operation waits for it for ever.

        What hangs in the middle of one is reached by no exception.
        """
        while not over.wait(_POLL_SECONDS):
            frozen = self._pulse.silent(_POLL_SECONDS)
            if frozen and self.children:
                self._frozen.add(frozen)
                self.children[frozen - 1].kill()  # which those who wait for it do notice
            elif frozen is not None:
                self._end(f"{self._name(frozen)} {_FROZEN}; {_GO_ON}")
            # A leader without a launcher may outlive the shell that it was started from.
            orphaned = bool(self.place.launcher) and os.getppid() != self._parent
            lost = any(child.poll() is not None for child in self.children)
            if (orphaned or lost) and not over.wait(2 * _GRACE_SECONDS):
                self._end(str(self._loss()) if lost else "")

    def _end(self, why: str) -> None:
        if why:
            print(f"seqtag: {escape_controls(why)}", file=sys.stderr, flush=True)
        for child in self.children:
            child.kill()
        os._exit(1)


def is_broken(error: BaseException) -> bool:
    """Whether this is what a process meets with when another one has gone."""
    return isinstance(error, distributed.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )


def _ended(code: int) -> str:
    """Say how a process ended that has this return code."""
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
