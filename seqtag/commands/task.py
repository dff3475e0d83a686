"""Run the jobs that Hydra composes: a single run, a job of a sweep, or a job in a launcher."""

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
from seqtag.sweeps.devices import devices_for_job
from seqtag.sweeps.forked import run_forked
from seqtag.sweeps.isolated import run_isolated
from seqtag.sweeps.jobs import Outcome, quoted
from seqtag.sweeps.locks import LOCK, FolderInUse, FolderLock
from seqtag.sweeps.naming import folder_of_run
from seqtag.sweeps.records import Identity, describe_error, write_record
from seqtag.training.resume.signals import EXIT_RESUMABLE

log = logging.getLogger("seqtag")

# Runs a verb on its settings.
Job = Callable[[Any], Any]
# Verbs that write no files, and so need no run folder.
_WITHOUT_FOLDER = ("check",)


class StopAll(BaseException):
    """Ends the whole sweep; Hydra would catch an `Exception` and run the next job."""


class Task:
    """Function object that Hydra calls with the configuration of each job, to run the job.

    Attributes:
        outcomes: the outcomes of the jobs so far.
        mistake: the error of a single run.
        folder: the folder of the run or of the sweep.
        in_sweep: whether this run is a job of a sweep that another process manages.
        named: overrides that give all jobs the sweep's folder; [] if they need none.
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
        """Make this the running task; at the end release all locks and remove empty folders."""
        _running.append(self)
        try:
            yield
        finally:
            _running.remove(self)
            for place, lock in self._locks.items():
                lock.release()
                if place != Path.cwd():
                    with suppress(OSError):
                        place.rmdir()  # fails unless the folder is empty

    def begin(self, config: DictConfig, key: str) -> None:
        """Choose and lock the folder of the run or sweep, before Hydra writes to it.

        Args:
            config: the composed configuration; changed if the folder must have another name.
            key: the key of the folder: ``hydra.run.dir`` or ``hydra.sweep.dir``.

        Raises:
            InputError: if a live run uses the folder, or it cannot be used.
        """
        if self._verb in _WITHOUT_FOLDER:
            return
        self.folder, self.named = folder_of_run(config, key)
        # Processes that share a search share its folder.
        shared = key == "hydra.sweep.dir" and OmegaConf.select(config, "search.storage") is not None
        self._lock(self.folder, shared)

    def _lock(self, folder: Path, shared: bool = False) -> FolderLock | None:
        """Lock a folder until all jobs end; return the lock, or None if it is locked already."""
        place = folder.resolve()
        if place in self._locks or self._verb in _WITHOUT_FOLDER:
            return None
        self._locks[place] = FolderLock(folder, shared).acquire()
        return self._locks[place]

    def __call__(self, config: DictConfig) -> Outcome | None:
        """Run a job alone, in a sweep or in a launcher's process; return its outcome."""
        hydra = HydraConfig.get()
        folder = Path(hydra.runtime.output_dir)
        if os.getpid() != self._process:
            return self._in_a_launcher(config, folder)
        if hydra.mode is RunMode.MULTIRUN:
            return self._in_a_sweep(config, folder)
        return self._alone(config, folder)

    def _alone(self, config: DictConfig, folder: Path) -> Outcome | None:
        """Run the only job of this process; its errors end the program."""
        self.folder = folder
        self.in_sweep = not OmegaConf.is_missing(HydraConfig.get().job, "num")
        try:
            outcome = self._run(config, folder)
        except InputError as error:
            # Caught here, or Hydra would print its own error line in addition to ours.
            self.mistake = error
            remove_if_unused(folder)
            return None
        except RunStopped as error:
            raise StopAll(error) from error
        self.outcomes.append(outcome)
        return outcome

    def _in_a_launcher(self, config: DictConfig, folder: Path) -> Outcome:
        """Run a job inside a worker process of a launcher.

        A crash would end the worker and lose its other jobs. So the job runs in a further process,
        with the command that would run it alone.
        """
        hydra, process = HydraConfig.get(), current_process()
        where = f"hydra.run.dir={quoted(str(folder))}"
        alone = ["hydra.mode=RUN", f"hydra.job.num={hydra.job.num}", where]
        arguments = [self._verb, *self._flags, *hydra.overrides.task, *alone]
        terminal = folder / (
            "terminal.txt" if process.is_leader else f"terminal.{process.rank}.txt"
        )
        if hydra.launcher._target_.endswith("JoblibLauncher"):
            with devices_for_job(hydra.job.num, OmegaConf.select(config, "trainer.devices")):
                ended = self._in_a_worker_of_joblib(arguments, terminal)
        else:
            ended = run_isolated([*self._program, *arguments], terminal)
        outcome = Outcome(folder, *ended)
        if outcome.code == EXIT_RESUMABLE and os.environ.get("SUBMITIT_EXECUTOR") == "slurm":
            raise SystemExit(EXIT_RESUMABLE)  # no result yet: SLURM restarts the job
        return self._ended(config, outcome) if process.is_leader else outcome

    def _in_a_worker_of_joblib(
        self, arguments: list[str], terminal: Path
    ) -> tuple[int, str | None]:
        """Run a job; return its exit code and its error."""
        if sys.platform != "linux":
            return run_isolated([*self._program, *arguments], terminal)
        # This worker will run more jobs: they share the imports.
        preload = [__name__, f"{__package__}.{self._verb}"]
        return run_forked(MODULE, arguments, terminal, preload)

    def _in_a_sweep(self, config: DictConfig, folder: Path) -> Outcome:
        """Run a job of a sweep in this process; its errors do not end the other jobs."""
        held = set(self._locks)
        try:
            self._lock(folder)
            return self._run(config, folder)
        except FolderInUse as error:
            return Outcome(folder, 1, str(error))  # keep the record of the live run there
        except Exception as error:
            if isinstance(error, RunStopped) and error.exit_code != 1:
                raise StopAll(error) from error  # a signal stops the whole sweep
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
        """Return the identity of a job of a sweep, by which finished runs are recognised.

        Raises:
            InputError: for a wrong setting.
        """
        return _settings(self._verb, plain_values(config, self._verb)).identity

    def _ended(self, config: DictConfig, outcome: Outcome) -> Outcome:
        """Write the error of a failed job of a sweep to its record; return the outcome."""
        if outcome.error is not None:
            run = self._identity_of_failed(config)
            write_record(run._replace(folder=outcome.folder), finished=False, error=outcome.error)
        return outcome

    def _identity_of_failed(self, config: DictConfig) -> Identity:
        """Return the identity of a job, although its settings may be wrong."""
        from seqtag.commands.common_settings import identity

        try:
            return self.identify(config)
        except InputError:
            return identity(plain_values(config, self._verb))


def _settings(verb: str, plain: dict[str, Any]) -> Any:
    # Imported here, since `--cfg job` does not need it.
    from seqtag.commands.settings import settings_of

    return settings_of(verb, plain, HydraConfig.get().overrides.task)


def os_error_at(error: OSError, folder: Path | str) -> str:
    """Return an error of the system as text that names its file, or else `folder`."""
    where = "" if error.filename is not None else f"{folder}: "
    return f"{where}{os_error_text(error)}"


def remove_if_unused(folder: Path) -> None:
    """Remove the folder of a run that failed before it started: one with only Hydra's files."""
    if folder.resolve() == Path.cwd() or not folder.is_dir():
        return
    there = list(folder.iterdir())
    if all(path.name in (".hydra", LOCK) or path.suffix == ".log" for path in there):
        shutil.rmtree(folder, ignore_errors=True)


# The task that this process runs now, if any; a list because launches can be nested.
_running: list[Task] = []


class FolderCallback(Callback):
    """Hydra callback: the running task chooses and locks its folder before Hydra creates it."""

    def on_run_start(self, config: DictConfig, **more: Any) -> None:
        """Choose and lock the folder of a run."""
        self._begin(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **more: Any) -> None:
        """Choose and lock the folder of a sweep."""
        self._begin(config, "hydra.sweep.dir")

    @staticmethod
    def _begin(config: DictConfig, key: str) -> None:
        try:
            for task in _running[-1:]:
                task.begin(config, key)
        except Exception as error:
            # Hydra would turn an `Exception` into a warning and continue.
            raise StopAll(error) from error
