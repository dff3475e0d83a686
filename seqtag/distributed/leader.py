"""Training on several processes: one leader, and followers that train with it.

The leader, rank 0, runs the program. The followers are started by the leader, by torchrun or by
srun, and only train: each receives the configuration that the leader composed, reads the corpus,
trains, and waits for the next configuration. So there is one run in one folder with one log, a
sweep runs once, and all processes train the same configuration.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import lightning as L
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment

from seqtag.data.batches.order import BatchConfig
from seqtag.distributed.process import ProcessInfo, current_process
from seqtag.distributed.rendezvous import launched_team, start_followers
from seqtag.distributed.team import is_connection_error
from seqtag.errors import Diverged, InputError

# Time for the leader's own followers to exit by themselves, after success and after an error.
_EXIT_SECONDS, _FAILED_EXIT_SECONDS = 30.0, 1.0


class LaunchedEnvironment(LightningEnvironment):
    """Gives Lightning the rank of this process; all processes are already started."""

    creates_processes_externally = True

    def __init__(self, process: ProcessInfo) -> None:
        super().__init__()
        self._process = process

    def local_rank(self) -> int:
        """Return the rank of this process on its machine."""
        return self._process.local_rank

    def node_rank(self) -> int:
        """Return the number of its machine."""
        return self._process.node

    def teardown(self) -> None:
        """Leave the environment variables as they are."""


def require_work_for_all(processes: int, sentences: int, batch: BatchConfig) -> None:
    """Refuse more processes than training sentences, or than sentences in a batch.

    Raises:
        InputError: if there are too many.
    """
    for number, what, remedy in (
        (sentences, "training sentences", "use fewer processes (trainer.devices)"),
        (batch.sentences, "sentences in a batch", "increase data.batch.sentences, a total"),
    ):
        if processes > number:
            raise InputError(f"{processes} processes cannot share {number} {what}; {remedy}")


@contextmanager
def distributed_training(
    trainer: L.Trainer, plain_settings: Mapping[str, Any], seed: int, digest: Callable[[], str]
) -> Iterator[None]:
    """Connect all processes of `trainer` while they train; restore the environment afterwards.

    Each process enters this context. The leader starts the followers if no launcher did.

    Args:
        trainer: the trainer of this process.
        plain_settings: the settings of the training, which the leader sends to the followers.
        seed: seed of the training.
        digest: returns a digest of data and checkpoint; all processes must agree on it.

    Raises:
        InputError, RunStopped: see `Team.training`; InputError also if the port is in use.
    """
    if trainer.world_size == 1:
        yield
        return
    environment, threads = dict(os.environ), torch.get_num_threads()
    launched = bool(current_process().launcher)
    team = launched_team() if launched else start_followers(trainer.world_size)
    device = trainer.strategy.root_device
    succeeded = False
    try:
        if team.process.is_leader:
            team.send_settings(plain_settings)
        with team.training(device, digest()):
            # Each rank must draw its own dropout masks.
            L.seed_everything((seed + team.process.rank) % 2**32, True, verbose=False)
            yield
        succeeded = True
    finally:
        if not launched:
            team.release_followers(_EXIT_SECONDS if succeeded else _FAILED_EXIT_SECONDS)
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)


def follow(train: Callable[[dict[str, Any]], Any]) -> int:
    """Run as a follower: train with all settings that the leader sends; return the exit code.

    Followers log nothing: the leader reports their errors.

    Raises:
        RunStopped: if there is no leader.
    """
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    team = launched_team()
    try:
        for settings in team.received_settings():
            try:
                train(settings)
            except (Exception, KeyboardInterrupt) as error:
                team.report_failure(error)
                # A sweep continues after a mistake of the user, after a divergence (which all
                # processes notice), and after a failure of another process.
                if not (isinstance(error, InputError | Diverged) or is_connection_error(error)):
                    return getattr(error, "exit_code", 1)
    finally:
        team.report_exit()
    return 0


@contextmanager
def leading() -> Iterator[None]:
    """Keep the followers of a launcher waiting for settings; release them at the end."""
    team = launched_team()
    try:
        yield
    finally:
        team.release_followers()
        launched_team.cache_clear()
