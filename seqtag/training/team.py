"""The processes that train together: how they find each other, agree, and notice when one is lost.

They meet at a store of torch.distributed, kept by the leader (by torchrun's agent, if there is
one). Its keys: ``order/N`` the configuration of training N, or null to go home; ``told/N/RANK``
what the data are told by; ``failed/N/RANK`` why a follower has given up; ``parted/RANK`` that it
goes.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import Any

import torch
from lightning.pytorch.plugins.environments import SLURMEnvironment
from torch import distributed

from seqtag.errors import InputError, RunStopped
from seqtag.training.interface import interface_towards
from seqtag.training.launch import PROGRAM
from seqtag.training.place import Place, current_place, environment_of

log = logging.getLogger("seqtag")

# The longest that one process is ahead of another within an epoch, ever so slow a disk; that a
# process has died shows at once.
_STEP = timedelta(minutes=10)
# Until all have read the corpus, which may be the first time on their machine.
_MEETING = timedelta(hours=1)
# Until a follower has found the leader, which may have been started later.
_FINDING = timedelta(minutes=2)
# Until a follower knows that the leader has nothing for it to do.
_RUN = timedelta(days=365)
_POLL_SECONDS = 0.1
# From the end of one process until the others, if they do not notice, are ended.
_GRACE_SECONDS = 5.0
_PARTING_SECONDS = 30.0
_GO_ON = "the same command with ckpt_path=last and this run's hydra.run.dir goes on"


class Team:
    """The processes that train together, as one of them sees them.

    Args:
        place: its own place.
        store: where they meet.
        children: the followers that this process has started.
    """

    def __init__(
        self,
        place: Place,
        store: distributed.Store,
        children: Sequence[subprocess.Popen] = (),
    ) -> None:
        self.place, self.store, self.children = place, store, list(children)
        self._number = 0  # of the training that was told last
        self._parent = os.getppid()

    def tell(self, config: Mapping[str, Any] | None) -> None:
        """Tell the followers what to train now; None: nothing any more."""
        self._number += 1
        self.store.set(f"order/{self._number}", json.dumps(config))

    def orders(self) -> Iterator[dict[str, Any]]:
        """Yield what the leader says is to be trained, until it has no more, or is gone."""
        while True:
            try:
                config = json.loads(self.store.get(f"order/{self._number + 1}"))
            except distributed.DistError:
                return
            if config is None:
                return
            self._number += 1
            yield config

    @contextmanager
    def training(self, device: torch.device, told: str) -> Iterator[None]:
        """Be one process group, once all have the same data; whoever is lost ends it for all.

        Raises:
            InputError: if their data differ, or a follower could not begin.
            RunStopped: if a follower ended before its time.
        """
        over = threading.Event()
        try:
            self._agree(told)
            threading.Thread(target=self._watch, args=(over,), daemon=True).start()
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
            over.set()

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

    def _agree(self, told: str) -> None:
        """Wait until every process has read its data, and compare what they are told by."""
        self.store.set(f"told/{self._number}/{self.place.rank}", told)
        end = time.monotonic() + _MEETING.total_seconds()
        for rank in range(self.place.processes):
            key = f"told/{self._number}/{rank}"
            while not self.store.check([key]):
                if time.monotonic() > end or (self.place.leads and self._lost()):
                    raise self._loss()
                time.sleep(_POLL_SECONDS)
            if self.store.get(key).decode() != told:
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
            self.store.check([key])
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
            if self.store.check([key]):
                word = json.loads(self.store.get(key))
                if word["mistake"]:
                    return InputError(f"{self._name(rank)}: {word['what']}")
                if word["trace"]:
                    log.error("%s\n%s", self._name(rank), word["trace"].rstrip())
                return RunStopped(f"{self._name(rank)} failed: {word['what']}")
        for rank, child in enumerate(self.children, 1):
            if (code := child.poll()) is not None:
                how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with {code}"
                return RunStopped(f"{self._name(rank)} {how}; {_GO_ON}")
        return RunStopped(f"another one of {self.place.processes} processes was lost; {_GO_ON}")

    def _watch(self, over: threading.Event) -> None:
        """End this process if another one is lost and a collective operation waits for it for ever.

        What hangs in the middle of one is reached by no exception.
        """
        while not over.wait(_POLL_SECONDS):
            # A leader without a launcher may outlive the shell that it was started from.
            orphaned = bool(self.place.launcher) and os.getppid() != self._parent
            lost = any(child.poll() is not None for child in self.children)
            if (orphaned or lost) and not over.wait(2 * _GRACE_SECONDS):
                if lost:
                    print(f"seqtag: {self._loss()}", file=sys.stderr, flush=True)
                for child in self.children:
                    child.kill()
                os._exit(1)


@cache
def launched_team() -> Team:
    """Join the others where a launcher (or the leader) has started this process.

    Raises:
        InputError: if the leader cannot listen at the port that they know.
    """
    place = current_place()
    if place.launcher == "srun":
        kept = dict(os.environ)
        slurm = SLURMEnvironment()
        address, port = slurm.main_address, slurm.main_port
        os.environ.clear()
        os.environ.update(kept)
    else:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if place.nodes > 1 and (interface := interface_towards(address)):
        # Else gloo takes the address of the host's own name, which often is one for itself alone.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return Team(place, _store(address, port, keeps=place.leads and not agent))


def start_followers(processes: int) -> Team:
    """Start the others on this machine; they find us at MASTER_PORT, if set, else a free port."""
    port = os.environ.get("MASTER_PORT", "0")
    if not port.isdecimal():
        raise InputError(f"the environment variable MASTER_PORT must be a number, not {port!r}")
    store = _store("127.0.0.1", int(port), keeps=True)
    children = []
    for rank in range(1, processes):
        place = Place(rank, processes, rank, processes)
        told = environment_of(place, store.underlying_store.port)
        children.append(
            subprocess.Popen(
                # Its place is in its environment, and there it waits, whatever else is said.
                [*PROGRAM, "train"],
                env={**os.environ, **told},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        )
    return Team(Place(0, processes, 0, processes), store, children)


def _store(address: str, port: int, keeps: bool) -> distributed.PrefixStore:
    """Open the store at a port, or keep it there; a restarted torchrun begins with an empty one."""
    try:
        store = distributed.TCPStore(
            address, port, is_master=keeps, wait_for_workers=False, timeout=_FINDING
        )
    except distributed.DistNetworkError as error:
        if not keeps:
            raise
        raise InputError(
            f"MASTER_PORT={port}: the port is taken, or not to be had; leave it unset for a free "
            f"one, or give another ({str(error).splitlines()[0]})"
        ) from error
    store.set_timeout(_RUN)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return distributed.PrefixStore(f"seqtag/{attempt}", store)


def is_broken(error: BaseException) -> bool:
    """Whether this is what a process meets with when another one has gone."""
    return isinstance(error, distributed.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
