"""Training on several processes: one leads, the others follow.

The leader, rank 0, runs the program. The others are started by it, or by torchrun or srun, and run
nothing but trainings: each gets the configuration that the leader has composed, reads the corpus,
trains beside the leader, and waits for the next one. So there is one run in one folder with one
log, a sweep is swept once, and no process can train another configuration than the rest.
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
from seqtag.distributed.place import Place, current_place
from seqtag.distributed.rendezvous import launched_team, start_followers
from seqtag.distributed.team import is_broken
from seqtag.errors import Diverged, InputError

# Followers that were started here end by themselves: when all went well, and when it did not.
_PARTING_SECONDS, _FAILED_SECONDS = 30.0, 1.0


class StartedAlready(LightningEnvironment):
    """Tells Lightning which process this is, and that it need not start the others."""

    creates_processes_externally = True

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def local_rank(self) -> int:
        """Return the number of this process on its machine."""
        return self._place.local_rank

    def node_rank(self) -> int:
        """Return the number of its machine."""
        return self._place.node

    def teardown(self) -> None:
        """Leave the environment as it is."""


def require_work_for_all(processes: int, sentences: int, batch: BatchConfig) -> None:
    """Refuse more processes than can share the training sentences, or a batch of them.

    Raises:
        InputError: as it says.
    """
    for number, what, mend in (
        (sentences, "training sentences", "take fewer processes (trainer.devices)"),
        (batch.sentences, "sentences in a batch", "give data.batch.sentences more, all together"),
    ):
        if processes > number:
            raise InputError(f"{processes} processes cannot share {number} {what}; {mend}")


@contextmanager
def together(
    trainer: L.Trainer, order: Mapping[str, Any], seed: int, digest: Callable[[], str]
) -> Iterator[None]:
    """Have all processes that `trainer` is for train together; restore the environment afterwards.

    Each of them enters this. The leader starts the others, where no launcher has.

    Args:
        trainer: that of this process.
        order: what the leader sends to the followers: the settings of the training.
        seed: of the training.
        digest: returns a digest of data and checkpoint, which must be the same on all processes.

    Raises:
        InputError, RunStopped: see `Team.training`; also if the port is taken.
    """
    if trainer.world_size == 1:
        yield
        return
    environment, threads = dict(os.environ), torch.get_num_threads()
    launched = bool(current_place().launcher)
    team = launched_team() if launched else start_followers(trainer.world_size)
    device = trainer.strategy.root_device
    well = False
    try:
        if team.place.leads:
            team.tell(order)
        with team.training(device, digest()):
            # Dropout must not draw the same for the sentences of each.
            L.seed_everything((seed + team.place.rank) % 2**32, True, verbose=False)
            yield
        well = True
    finally:
        if not launched:
            team.part(_PARTING_SECONDS if well else _FAILED_SECONDS)
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)


def follow(train: Callable[[dict[str, Any]], Any]) -> int:
    """Be a follower: train what the leader says until it lets go; return the exit code.

    What goes wrong here, the leader says; its warnings and log are for all.

    Raises:
        RunStopped: if there is no leader.
    """
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    team = launched_team()
    try:
        for config in team.orders():
            try:
                train(config)
            except (Exception, KeyboardInterrupt) as error:
                team.give_up(error)
                # A sweep continues after a mistake, a run that diverged in all processes alike, and
                # when training has failed elsewhere.
                if not (isinstance(error, InputError | Diverged) or is_broken(error)):
                    return getattr(error, "exit_code", 1)
    finally:
        team.leave()
    return 0


@contextmanager
def leading() -> Iterator[None]:
    """Keep the followers that a launcher has started waiting, and let them go in the end."""
    team = launched_team()
    try:
        yield
    finally:
        team.part()
        launched_team.cache_clear()
