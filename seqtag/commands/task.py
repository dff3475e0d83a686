"""Run the jobs that Hydra composes: alone, in a sweep, or in the process of a launcher."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seqtag.commands.composed import log_cross_group_options, plain_values
from seqtag.distributed.process import MODULE, PROGRAM, current_process
from seqtag.errors import InputError, RunStopped, os_error_text
from seqtag.sweeps.forked import run_forked
from seqtag.sweeps.isolated import run_isolated
from seqtag.sweeps.jobs import Outcome, quoted
from seqtag.sweeps.locks import LOCK, FolderInUse, FolderLock
from seqtag.sweeps.naming import folder_of_run
from seqtag.sweeps.records import Identity, describe_error, write_record
from seqtag.training.resume.signals import EXIT_RESUMABLE

log = logging.getLogger("seqtag")

# What runs a verb, given its settings.
Job = Callable[[Any], Any]
# Verbs that write nothing, and so need no folder.
_WITHOUT_FOLDER = ("check",)


class StopAll(BaseException):
    """Ends a sweep together with the job; after an `Exception` Hydra runs the next one."""


class Task:
    """What Hydra calls with the configuration of each job: the one place where a job is run.

    Attributes:
        outcomes: what became of the jobs.
        mistake: the error of the only job, outside a sweep.
        folder: that of the run, or of the sweep.
        in_sweep: it is a run of a sweep that another process has planned.
        named: overrides by which the jobs of a sweep have its folder, where that is not what they
            would compose themselves.
    """

    def __init__(self, verb: str, job: Job, flags: Sequence[str]):
        self.outcomes: list[Outcome] = []
        self.mistake: InputError | None = None
        self.folder = Path()
        self.in_sweep = False
        self.named: list[str] = []
        self._locks: dict[Path, FolderLock] = {}
        self._verb, self._job, self._program, self._flags = verb, job, PROGRAM, list(flags)
        self._process = os.getpid()

    @contextmanager
    def locks(self) -> Iterator[None]:
        """Be the running task; release all locks at the end, and leave no empty folder."""
        _running.append(self)
        try:
            yield
        finally:
            _running.remove(self)
            for place, lock in self._locks.items():
                lock.release()
                if place != Path.cwd():
                    with suppress(OSError):
                        place.rmdir()  # only if there is nothing in it

    def begin(self, config: DictConfig, key: str) -> None:
        """Find the folder of the run or sweep, before Hydra writes to it, and lock it.

        Args:
            config: what Hydra has composed; gets the folder's name, if there must be another one.
            key: where that is: ``hydra.run.dir`` or ``hydra.sweep.dir``.

        Raises:
            InputError: if another live run uses the folder, or the folder cannot be used.
        """
        if self._verb in _WITHOUT_FOLDER:
            return
        self.folder, self.named = folder_of_run(config, key)
        # Processes that share a search share its folder.
        shared = key == "hydra.sweep.dir" and OmegaConf.select(config, "search.storage") is not None
        self._lock(self.folder, shared)

    def _lock(self, folder: Path, shared: bool = False) -> FolderLock | None:
        """Lock a folder until all is done; return the lock, or None if it was locked already."""
        place = folder.resolve()
        if place in self._locks or self._verb in _WITHOUT_FOLDER:
            return None
        self._locks[place] = FolderLock(folder, shared).acquire()
        return self._locks[place]

    def __call__(self, config: DictConfig) -> Outcome | None:
        """Run a job, in the way of the place that it has come to; return its end."""
        hydra = HydraConfig.get()
        folder = Path(hydra.runtime.output_dir)
        if os.getpid() != self._process:
            return self._in_a_launcher(config, folder)
        if hydra.mode is RunMode.MULTIRUN:
            return self._in_a_sweep(config, folder)
        return self._alone(config, folder)

    def _alone(self, config: DictConfig, folder: Path) -> Outcome | None:
        """Run the only job of this process; its errors are the program's."""
        self.folder = folder
        self.in_sweep = not OmegaConf.is_missing(HydraConfig.get().job, "num")
        try:
            outcome = self._run(config, folder)
        except InputError as error:
            # Caught here, or Hydra would print a line of its own on top of ours.
            self.mistake = error
            remove_if_unused(folder)
            return None
        except RunStopped as error:
            raise StopAll(error) from error
        self.outcomes.append(outcome)
        return outcome

    def _in_a_launcher(self, config: DictConfig, folder: Path) -> Outcome:
        """Run a job that a launcher has brought to a process of its own.

        That process may be lost with all that it was to do. So the job runs in another one, as
        the command that would run it alone.
        """
        hydra, process = HydraConfig.get(), current_process()
        where = f"hydra.run.dir={quoted(str(folder))}"
        alone = ["hydra.mode=RUN", f"hydra.job.num={hydra.job.num}", where]
        arguments = [self._verb, *self._flags, *hydra.overrides.task, *alone]
        terminal = folder / (
            "terminal.txt" if process.is_leader else f"terminal.{process.rank}.txt"
        )
        if sys.platform == "linux" and hydra.launcher._target_.endswith("JoblibLauncher"):
            # More jobs will come here: what they import is imported once.
            preload = [__name__, f"{__package__}.{self._verb}"]
            ended = run_forked(MODULE, arguments, terminal, preload)
        else:
            ended = run_isolated([*self._program, *arguments], terminal)
        outcome = Outcome(folder, *ended)
        if outcome.code == EXIT_RESUMABLE and os.environ.get("SUBMITIT_EXECUTOR") == "slurm":
            raise SystemExit(EXIT_RESUMABLE)  # no result yet: SLURM starts it again
        return self._ended(config, outcome) if process.is_leader else outcome

    def _in_a_sweep(self, config: DictConfig, folder: Path) -> Outcome:
        """Run a job of a sweep in this process; nothing that it raises ends the other jobs."""
        held = set(self._locks)
        try:
            self._lock(folder)
            return self._run(config, folder)
        except FolderInUse as error:
            return Outcome(folder, 1, str(error))  # the record there is that of the live run
        except Exception as error:
            if isinstance(error, RunStopped) and error.exit_code != 1:
                raise StopAll(error) from error  # asked to stop: so is the sweep
            if not isinstance(error, InputError | RunStopped):
                log.exception("%s failed", folder)
            return self._ended(config, Outcome(folder, 1, describe_error(error)))
        finally:
            for place in set(self._locks) - held:
                self._locks.pop(place).release()

    def _run(self, config: DictConfig, folder: Path) -> Outcome:
        """Parse the settings and run the job."""
        plain = plain_values(config, self._verb)
        settings = _settings(self._verb, plain)
        log_cross_group_options(plain)
        try:
            self._lock(settings.identity.folder)
            if "lightning" not in sys.modules:
                log.info("importing torch, Lightning and datasets")
            result = self._job(settings)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(os_error_at(error, folder)) from error
        is_code = isinstance(result, int) and not isinstance(result, bool)
        return Outcome(folder, result if is_code else 0)

    def identify(self, config: DictConfig) -> Identity:
        """Return which run a job of a sweep is.

        Raises:
            InputError: for a setting that is wrong.
        """
        return _settings(self._verb, plain_values(config, self._verb)).identity

    def _ended(self, config: DictConfig, outcome: Outcome) -> Outcome:
        """Leave in the record of a job of a sweep why it failed, and return its outcome."""
        if outcome.error is not None:
            from seqtag.commands.settings import identity

            run = identity(plain_values(config, self._verb))
            write_record(run._replace(folder=outcome.folder), finished=False, error=outcome.error)
        return outcome


def _settings(verb: str, plain: dict[str, Any]) -> Any:
    # Imported here: `--cfg job` needs none of it.
    from seqtag.commands.settings import settings_of

    return settings_of(verb, plain)


def os_error_at(error: OSError, folder: Path | str) -> str:
    """Return what the system refused, and in which folder if the error names no file."""
    where = "" if error.filename is not None else f"{folder}: "
    return f"{where}{os_error_text(error)}"


def remove_if_unused(folder: Path) -> None:
    """Remove the folder of a run that ended before it began: one with Hydra's notes alone."""
    if folder.resolve() == Path.cwd() or not folder.is_dir():
        return
    there = list(folder.iterdir())
    if all(path.name in (".hydra", LOCK) or path.suffix == ".log" for path in there):
        shutil.rmtree(folder, ignore_errors=True)


# The task that this process runs now, if any.
_running: list[Task] = []


class FolderCallback(Callback):
    """Has the running task find and lock its folder, before Hydra creates it and writes to it."""

    def on_run_start(self, config: DictConfig, **more: Any) -> None:
        """Begin a run."""
        self._begin(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **more: Any) -> None:
        """Begin a sweep."""
        self._begin(config, "hydra.sweep.dir")

    @staticmethod
    def _begin(config: DictConfig, key: str) -> None:
        try:
            for task in _running[-1:]:
                task.begin(config, key)
        except Exception as error:
            # Of an `Exception` Hydra makes a warning, and continues.
            raise StopAll(error) from error
