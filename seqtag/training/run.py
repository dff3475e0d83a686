"""Run the training loop: resume from a checkpoint, on all processes, and translate errors."""

from __future__ import annotations

import time
from pathlib import Path

import lightning as L
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from seqtag.data.batches.module import CorpusModule
from seqtag.distributed.leader import distributed_training, require_work_for_all
from seqtag.distributed.process import current_process
from seqtag.distributed.team import is_connection_error
from seqtag.errors import InputError, RunStopped
from seqtag.training.resume.compatible import expected_checkpoint
from seqtag.training.resume.earlier_run import set_aside_earlier_run
from seqtag.training.resume.find import checkpoint_to_resume
from seqtag.training.resume.signals import handlers_restored
from seqtag.training.settings import TrainingSettings
from seqtag.training.task import TaggingTask


def run(
    trainer: L.Trainer, task: TaggingTask, data: CorpusModule, settings: TrainingSettings
) -> float:
    """Train the network of `task`; return the duration in seconds.

    Raises:
        InputError: for a checkpoint that cannot be resumed from, options that Lightning refuses,
            and more processes than sentences.
        RunStopped: if training was stopped by a signal, diverged, or lost a process.
    """
    require_work_for_all(trainer.world_size, len(data.corpus.splits["train"]), data.batch)
    output = Path(settings.output_dir)
    resumed = checkpoint_to_resume(
        settings.ckpt_path, output, expected_checkpoint(trainer, task, data)
    )
    if current_process().is_leader:
        set_aside_earlier_run(output, resumed)
    with distributed_training(
        trainer, settings.to_plain(), settings.seed, lambda: data.digest(resumed)
    ):
        started = time.perf_counter()
        _run(trainer, task, data, resumed)
        return time.perf_counter() - started


def _run(trainer: L.Trainer, task: TaggingTask, data: CorpusModule, resumed: str | None) -> None:
    try:
        with handlers_restored():
            _fit(trainer, task, data, resumed)
    except (InputError, RunStopped):
        raise
    except MisconfigurationException as error:
        raise InputError(f"trainer: {error}") from error
    except RuntimeError as error:
        if "Early stopping conditioned" in str(error):
            raise InputError(f"callbacks.early_stopping.monitor: {error}") from error
        if "DataLoader worker" not in str(error):
            raise
        raise _worker_died(error) from error
    except ConnectionResetError as error:
        # The queue of a killed data-loader worker can break before torch notices its death.
        if not data.batch.workers or current_process().world_size > 1:
            raise
        raise _worker_died(error) from error
    except SIGTERMException:
        raise RunStopped("stopped by SIGTERM; no checkpoint was written", 143) from None
    except SystemExit as error:
        # Lightning raises this after Ctrl-C; the caller handles KeyboardInterrupt.
        if type(error) is SystemExit and trainer.interrupted:
            raise KeyboardInterrupt from None
        raise


def _worker_died(error: Exception) -> RunStopped:
    return RunStopped(
        "a worker process of the data loader died, perhaps out of memory; to resume, run the "
        f"same command with ckpt_path=last; data.batch.workers=0 uses no workers ({error})"
    )


def _fit(trainer: L.Trainer, task: TaggingTask, data: CorpusModule, resumed: str | None) -> None:
    """Train with Lightning; report a state that cannot be restored as an unusable checkpoint."""
    try:
        trainer.fit(task, data, ckpt_path=resumed, weights_only=True)
    except (InputError, RunStopped, MisconfigurationException):
        raise
    except Exception as error:
        if resumed is None or task.training_started or is_connection_error(error):
            raise
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(
            f"ckpt_path: {resumed!r} cannot be resumed from, and nothing was trained: {reason}"
        ) from error
