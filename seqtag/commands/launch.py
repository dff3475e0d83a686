"""Hydra at the door: composes a verb's configuration and hands it on as plain values."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from seqtag.commands.extensions import offer_installed
from seqtag.commands.help import config_dir
from seqtag.commands.overrides import PATH_KEYS, explain, misread, raised_in_hydra, readable
from seqtag.commands.settings import check_settings
from seqtag.distributed.place import MODULE, PROGRAM, current_place
from seqtag.errors import InputError, RunStopped, did_you_mean, in_words
from seqtag.sweeps.forked import run_forked
from seqtag.sweeps.isolated import run_apart
from seqtag.sweeps.jobs import Outcome, quoted
from seqtag.sweeps.locks import LOCK, FolderInUse, FolderLock
from seqtag.sweeps.naming import folder_of_run, run_name
from seqtag.sweeps.records import in_a_line, write_record
from seqtag.training.resume.signals import GOES_ON

log = logging.getLogger("seqtag")

Job = Callable[[dict[str, Any]], Any]
_MANY = ("-m", "--multirun")
# Verbs that write nothing, and so need no folder.
_WITHOUT_FOLDER = ("check",)


def launch(
    verb: str, job: Job, arguments: Sequence[str], finish: Callable[[Path], None] | None = None
) -> int:
    """Run `job` on the configuration ``conf/VERB.yaml`` with the overrides in `arguments`.

    When all is done `finish` is called with the folder of the run, or of the sweep; not if nothing
    was done, and not for each run of a sweep.

    Returns:
        The exit code of the job, where it returns one, else 0; of a sweep the highest, but 1 if a
        job failed.

    Raises:
        InputError: for a wrong override, an unknown key or option, a value that is missing, and
            what the job itself raises, if it is the only one. Its folder is then gone, if nothing
            came to be in it.
        RunStopped: if a job had to stop; after a signal it is the last one of a sweep.
    """
    arguments = readable(arguments)
    offer_installed(arguments)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    main = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)
    task = Task(verb, job, [word for word in _flags(arguments) if word not in _MANY])
    try:
        with _as_program(verb, arguments), task.locks():
            try:
                main(task)()
            except _Stop as stop:
                raise stop.args[0] from None
            fine = any(outcome.error is None for outcome in task.outcomes)
            if finish and fine and not task.in_sweep:
                finish(task.folder)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(explain(error, verb, arguments)) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if isinstance(error, InputError) or not raised_in_hydra(error):
            raise
        raise InputError(misread(error, arguments)) from error
    except BrokenPipeError:
        raise
    except OSError as error:  # Hydra's: the folder of the run, and its notes there
        if task.folder != Path():
            _sweep_up(task.folder)
        raise InputError(
            f"{_refused(error, task.folder)}; a run writes into its folder (hydra.run.dir)"
        ) from error
    if task.mistake is not None:
        raise task.mistake
    if any(outcome.error is not None for outcome in task.outcomes):
        return 1
    return max((outcome.code for outcome in task.outcomes), default=0)


class Task:
    """What Hydra calls with the configuration of each job: the one place where a job is run.

    Attributes:
        outcomes: what became of the jobs.
        mistake: what the only job raised, where there is no sweep.
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
            InputError: if another live run uses the folder, or it is no folder that can be used.
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
        """Run the job; in a sweep nothing that it raises ends the others.

        Where a launcher has brought the job to another process, that one is the launcher's own,
        and may be lost with all that it was to do: the job is then run apart, as the command that
        would run it alone.
        """
        settings = HydraConfig.get()
        folder = Path(settings.runtime.output_dir)
        if os.getpid() != self._process:
            where = f"hydra.run.dir={quoted(str(folder))}"
            alone = ["hydra.mode=RUN", f"hydra.job.num={settings.job.num}", where]
            arguments = [self._verb, *self._flags, *settings.overrides.task, *alone]
            place = current_place()
            said = folder / ("terminal.txt" if place.leads else f"terminal.{place.rank}.txt")
            if sys.platform == "linux" and settings.launcher._target_.endswith("JoblibLauncher"):
                # More jobs will come here: what they import is imported once.
                preload = [__name__, f"{__package__}.{self._verb}"]
                ended = run_forked(MODULE, arguments, said, preload)
            else:
                ended = run_apart([*self._program, *arguments], said)
            outcome = Outcome(folder, *ended)
            if outcome.code == GOES_ON and os.environ.get("SUBMITIT_EXECUTOR") == "slurm":
                raise SystemExit(GOES_ON)  # no result yet: SLURM starts it again
            return self._ended(config, outcome) if place.leads else outcome
        if settings.mode is RunMode.MULTIRUN:
            return self._guarded(config, folder)
        self.folder = folder
        self.in_sweep = not OmegaConf.is_missing(settings.job, "num")
        try:
            outcome = self._run(config, folder)
        except InputError as error:
            # Caught here, or Hydra would print a line of its own on top of ours.
            self.mistake = error
            _sweep_up(folder)
            return None
        except RunStopped as error:
            raise _Stop(error) from error
        self.outcomes.append(outcome)
        return outcome

    def plain(self, config: DictConfig) -> dict[str, Any]:
        """Return the configuration as plain values, each key checked by its type and range."""
        plain = _plain(config, self._verb)
        check_settings(self._verb, plain)
        return plain

    def _run(self, config: DictConfig, folder: Path) -> Outcome:
        plain = self.plain(config)
        try:
            self._lock(Path(plain["paths"]["output_dir"]))
            result = self._job(plain)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(_refused(error, folder)) from error
        is_code = isinstance(result, int) and not isinstance(result, bool)
        return Outcome(folder, result if is_code else 0)

    def _guarded(self, config: DictConfig, folder: Path) -> Outcome:
        """Run a job of a sweep in this process; return its end, whatever it raises."""
        held = set(self._locks)
        try:
            self._lock(folder)
            return self._run(config, folder)
        except FolderInUse as error:
            return Outcome(folder, 1, str(error))  # the record there is that of the live run
        except Exception as error:
            if isinstance(error, RunStopped) and error.exit_code != 1:
                raise _Stop(error) from error  # told to stop: so is the sweep
            if not isinstance(error, InputError | RunStopped):
                log.exception("%s failed", folder)
            return self._ended(config, Outcome(folder, 1, in_a_line(error)))
        finally:
            for place in set(self._locks) - held:
                self._locks.pop(place).release()

    def _ended(self, config: DictConfig, outcome: Outcome) -> Outcome:
        """Leave in the record of a job of a sweep why it failed, and return its outcome."""
        if outcome.error is not None:
            plain = _plain(config, self._verb)
            write_record(outcome.folder, plain, finished=False, error=outcome.error)
        return outcome


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
            raise _Stop(error) from error


class _Stop(BaseException):
    """Ends a sweep together with the job; after an `Exception` Hydra runs the next one."""


# The task that this process runs now, if any.
_running: list[Task] = []


@contextmanager
def _as_program(verb: str, arguments: Sequence[str]) -> Iterator[None]:
    """Have Hydra read `arguments`, and leave the process afterwards as it was before."""
    argv, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    GlobalHydra.instance().clear()
    # Flags first: Hydra's parser does not find overrides on both sides of one.
    flags = _flags(arguments)
    overrides = [word for word in arguments if word not in flags]
    sys.argv = [f"seqtag {verb}", *flags, *overrides]
    # Errors are to reach the caller as they are, not as Hydra's summary of them.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        GlobalHydra.instance().clear()
        sys.argv = argv
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)


def _flags(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that are no overrides."""
    return [word for word in arguments if "=" not in word or word.startswith("-")]


def _plain(config: DictConfig, verb: str) -> dict[str, Any]:
    """Return the configuration as plain values.

    Raises:
        InputError: for a key that was added (``+sede=1``) but is read by nobody, and a value that
            is missing or refers to one that is not there.
    """
    known = _own_keys(verb)
    for key in config:
        if str(key) not in known:
            raise InputError(f"unknown key {str(key)!r}{did_you_mean(str(key), known)}")
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = error.full_key or str(error)
        raise InputError(f"{key} is not set; give it as {key}=VALUE") from error
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, dict)
    for key in PATH_KEYS:
        if (value := _at(plain, key)) is not None and not str(value).strip():
            raise InputError(f"{key} is empty; was it an unset variable? Give a path")
    return plain  # type: ignore[return-value]


def _at(plain: Any, key: str) -> Any:
    """Return the value of a key with dots in it; None where there is none."""
    for name in key.split("."):
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain


def _own_keys(verb: str) -> set[str]:
    """Return the top-level keys of a verb's configuration."""
    own = OmegaConf.load(config_dir() / f"{verb}.yaml")
    assert isinstance(own, DictConfig)
    groups = {str(group) for part in own.defaults if isinstance(part, DictConfig) for group in part}
    return {str(key) for key in own if key not in ("defaults", "hydra")} | groups


def _refused(error: OSError, folder: Path | str) -> str:
    """Say what the system refused, and in which folder where the error names no file."""
    where = "" if error.filename is not None else f"{folder}: "
    return f"{where}{in_words(error)}"


def _sweep_up(folder: Path) -> None:
    """Remove the folder of a run that ended before it began: one with Hydra's notes alone."""
    if folder.resolve() == Path.cwd() or not folder.is_dir():
        return
    there = list(folder.iterdir())
    if all(path.name in (".hydra", LOCK) or path.suffix == ".log" for path in there):
        shutil.rmtree(folder, ignore_errors=True)
