"""Hydra at the door: composes a verb's configuration and hands it on as plain values."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from seqtag.errors import InputError, RunStopped, did_you_mean
from seqtag.sweeps.apart import run_apart
from seqtag.sweeps.forked import run_forked
from seqtag.sweeps.jobs import Outcome, quoted
from seqtag.sweeps.records import in_a_line, write_record
from seqtag.training.configuration import check_settings
from seqtag.training.help import config_dir
from seqtag.training.place import current_place
from seqtag.training.preemption import GOES_ON

log = logging.getLogger("seqtag")

Job = Callable[[dict[str, Any]], Any]
# What runs a verb.
_MODULE = "seqtag.cli"
PROGRAM = (sys.executable, "-m", _MODULE)
_MANY = ("-m", "--multirun")
# Launchers, and the extra that has each.
_LAUNCHERS = {"joblib": "joblib", "submitit_local": "submitit", "submitit_slurm": "submitit"}
# File systems allow 255 bytes.
_LONGEST_NAME = 120


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
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    main = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)
    task = Task(verb, job, [word for word in _flags(arguments) if word not in _MANY])
    try:
        with _as_program(verb, arguments):
            main(task)()
            fine = any(outcome.error is None for outcome in task.outcomes)
            if finish and fine and not task.in_sweep:
                finish(task.folder)
    except _Stop as stop:
        raise stop.args[0] from None
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_explain(error, verb, arguments)) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if isinstance(error, InputError) or not _raised_in_hydra(error):
            raise
        raise InputError(_misread(error, arguments)) from error
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
    """

    def __init__(self, verb: str, job: Job, flags: Sequence[str]):
        self.outcomes: list[Outcome] = []
        self.mistake: InputError | None = None
        self.folder = Path()
        self.in_sweep = False
        self._verb, self._job, self._program, self._flags = verb, job, PROGRAM, list(flags)
        self._process = os.getpid()

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
                ended = run_forked(_MODULE, arguments, said)  # more jobs will come here
            else:
                ended = run_apart([*self._program, *arguments], said)
            outcome = Outcome(folder, *ended)
            if outcome.code == GOES_ON and os.environ.get("SUBMITIT_EXECUTOR") == "slurm":
                raise SystemExit(GOES_ON)  # no result yet: SLURM starts it again
            return self._ended(config, outcome) if place.leads else outcome
        if settings.mode is RunMode.MULTIRUN:
            return self._ended(config, self._guarded(config, folder))
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
        result = self._job(self.plain(config))
        is_code = isinstance(result, int) and not isinstance(result, bool)
        return Outcome(folder, result if is_code else 0)

    def _guarded(self, config: DictConfig, folder: Path) -> Outcome:
        try:
            return self._run(config, folder)
        except Exception as error:
            if isinstance(error, RunStopped) and error.exit_code != 1:
                raise _Stop(error) from error  # told to stop: so is the sweep
            if not isinstance(error, InputError | RunStopped):
                log.exception("%s failed", folder)
            return Outcome(folder, 1, in_a_line(error))

    def _ended(self, config: DictConfig, outcome: Outcome) -> Outcome:
        """Leave in the record of a job of a sweep why it failed, and return its outcome."""
        if outcome.error is not None:
            plain = _plain(config, self._verb)
            write_record(outcome.folder, plain, finished=False, error=outcome.error)
        return outcome


class _Stop(BaseException):
    """Ends a sweep together with the job; after an `Exception` Hydra goes on with the next one."""


def run_name(overrides: str) -> str:
    """Return the name of a run's folder within its sweep: what sets it apart, as a file name.

    Too long a name is cut and ends in a hash of the whole, so that runs stay apart.
    """
    name = re.sub(r"[^\w.,=+-]+", "_", overrides) or "run"
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(overrides.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}_{digest}"


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
    return plain  # type: ignore[return-value]


def _own_keys(verb: str) -> set[str]:
    """Return the top-level keys of a verb's configuration."""
    own = OmegaConf.load(config_dir() / f"{verb}.yaml")
    assert isinstance(own, DictConfig)
    groups = {str(group) for part in own.defaults if isinstance(part, DictConfig) for group in part}
    return {str(key) for key in own if key not in ("defaults", "hydra")} | groups


def _sweep_up(folder: Path) -> None:
    """Remove the folder of a run that ended before it began: one with Hydra's notes alone."""
    if folder == Path.cwd() or not folder.is_dir():
        return
    there = list(folder.iterdir())
    if all(path.name == ".hydra" or path.suffix == ".log" for path in there):
        shutil.rmtree(folder, ignore_errors=True)


def _explain(error: Exception, verb: str, arguments: Sequence[str]) -> str:
    """Say in one line what is wrong with an override, and what was perhaps meant."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        options = sorted(option for option in error.options if not option.startswith("_"))
        if group == "hydra/launcher" and name in _LAUNCHERS:
            return f"{group}={name}: not installed; pip install 'seqtag[{_LAUNCHERS[name]}]'"
        return (
            f"{group}={name}: there is no such option{did_you_mean(name, options)}; "
            f"known: {', '.join(options)}"
        )
    if key := re.search(r"Could not override '([^']+)'", str(error)):
        known = _known_keys(verb, arguments)
        return f"unknown key {key[1]!r}{did_you_mean(key[1], known)}"
    cause = error.__cause__ if isinstance(error, OmegaConfBaseException) else None
    text = " ".join(re.sub(r"\s*See https://\S+ for details", "", str(cause or error)).split())
    return f"{error.override!r}: {text}" if isinstance(error, OverrideParseException) else text


def _raised_in_hydra(error: Exception) -> bool:
    """Return whether an error comes from Hydra's own code, which an override led astray."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return module.partition(".")[0] in ("hydra", "omegaconf", "antlr4")


def _misread(error: Exception, arguments: Sequence[str]) -> str:
    """Return what is wrong with the override that Hydra could not digest."""
    if key := next((a.partition("=")[0] for a in arguments if re.search(r"\d{4301}", a)), ""):
        return f"{key}: a whole number of thousands of digits is not a value"
    for argument in arguments:
        group, _, value = argument.lstrip("+").partition("=")
        options = sorted(path.stem for path in (config_dir() / group).glob("[!_]*.yaml"))
        if options and not re.fullmatch(r"\w*[a-z_]\w*", value.replace("null", "")):
            return f"{argument[:80]}: name an option of it, one of {', '.join(options)}"
    return f"the overrides do not make a configuration: {error}"


def _known_keys(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return all keys of the verb's configuration under the options that were chosen."""
    chosen = [
        argument
        for argument in arguments
        if re.fullmatch(r"\w+=\w+", argument)
        and (config_dir() / argument.partition("=")[0]).is_dir()
    ]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        try:
            return list(_paths(compose(verb, chosen)))
        except HydraException:  # an option of a folder given by --config-dir
            return list(_paths(compose(verb)))


def _paths(config: DictConfig, above: str = "") -> Iterator[str]:
    for key in config:
        path = f"{above}{key}"
        yield path
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(
            value := config._get_node(key)
        ):
            yield from _paths(value, f"{path}.") if not value._is_none() else ()
