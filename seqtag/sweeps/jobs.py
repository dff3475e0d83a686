"""The jobs of a sweep: planned here, then run by one of Hydra's launchers."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from seqtag.errors import InputError, RunStopped
from seqtag.sweeps.isolated import cores, limited_threads, raising_on_sigterm
from seqtag.sweeps.locks import live_run
from seqtag.sweeps.naming import EarlierRuns, run_name
from seqtag.sweeps.progress import logging_finished_jobs
from seqtag.sweeps.records import Identity, describe_error, is_finished

log = logging.getLogger("seqtag")

# Hydra's setting for keys that are left out of the names of folders.
_EXCLUDED_KEYS = "hydra.job.config.override_dirname.exclude_keys"


class Outcome(NamedTuple):
    """The result of a job: its folder, its exit code, and why it failed (None if it did not)."""

    folder: Path
    code: int = 0
    error: str | None = None


class Job(NamedTuple):
    """A planned job: its overrides, the identity of its run, and its folder."""

    overrides: list[str]
    identity: Identity
    folder: Path


class Runner:
    """Runs jobs and collects their outcomes; on exit, no worker process is left.

    Attributes:
        folder: the folder of the sweep.
        at_once: number of jobs that run in parallel.
        outcomes: the outcomes of all jobs so far.

    Args:
        sweeper: Hydra's sweeper.
        identify: returns the identity of the run of a job's configuration, or raises InputError.
        named: overrides that give all jobs the sweep's folder.
        fixed: keys of overrides that are the same for all jobs; the names of run folders leave
            them out.
    """

    def __init__(
        self,
        sweeper: BasicSweeper,
        identify: Callable[[DictConfig], Identity],
        named: Sequence[str] = (),
        fixed: Sequence[str] = (),
    ):
        self._sweeper, self._identify, self._named = sweeper, identify, list(named)
        config = sweeper.config
        excluded = [*config.hydra.job.config.override_dirname.exclude_keys, *fixed]
        self._exclude_keys = f"{_EXCLUDED_KEYS}=[{','.join(map(quoted, excluded))}]"
        self.folder = Path(config.hydra.sweep.dir)
        self._earlier = EarlierRuns(self.folder)
        launcher = OmegaConf.to_container(config.hydra.launcher, resolve=True)
        self.at_once, self._batch, self._shared = _parallelism(
            launcher, config.hydra.sweeper.max_batch_size
        )
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        if "joblib" in sys.modules:
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor().shutdown(wait=True)

    def run(self, overrides: Sequence[Sequence[str]]) -> list[Outcome]:
        """Run a job for each list of overrides, except finished ones; return the outcomes of all.

        Raises:
            InputError: for a job that cannot be configured, before any job is started.
        """
        jobs = [self._plan(list(of_job), number) for number, of_job in enumerate(overrides)]
        waiting = list({job.folder: job for job in jobs if not is_finished(job.identity)}.values())
        if done := len({job.folder for job in jobs}) - len(waiting):
            log.info("%d of %d jobs are finished already", done, done + len(waiting))
        ended = {job.folder: Outcome(job.folder) for job in jobs}
        in_use = {job.folder: live_run(job.folder) for job in waiting}
        # Their records are not written to: they belong to the live runs.
        ended |= {folder: Outcome(folder, 1, text) for folder, text in in_use.items() if text}
        waiting = [job for job in waiting if not in_use[job.folder]]
        size = self._batch or len(waiting) or 1
        for first in range(0, len(waiting), size):
            batch = waiting[first : first + size]
            # A single running job logs its own progress.
            folders = [job.folder for job in batch]
            with logging_finished_jobs(folders) if self.at_once > 1 else nullcontext():
                outcomes = self._launch(batch, first)
            ended |= {outcome.folder: outcome for outcome in outcomes}
        for outcome in ended.values():
            if outcome.error is not None:
                log.error("failed: %s: %s", outcome.folder, outcome.error)
        self.outcomes += ended.values()
        return [ended[job.folder] for job in jobs]

    def check(self, overrides: Sequence[str]) -> None:
        """Plan a job without running it, and raise InputError if that fails."""
        self._plan(list(overrides), 0)

    def _plan(self, overrides: list[str], number: int) -> Job:
        """Compose a job's configuration as the process that runs it will."""
        master = self._sweeper.config
        overrides = [*overrides, *self._named]
        config = self._sweeper.hydra_context.config_loader.load_sweep_config(
            master, [*overrides, self._exclude_keys]
        )
        with read_write(config.hydra.runtime), open_dict(config):
            config.hydra.job.num, config.hydra.job.id = number, str(number)
            HydraConfig.instance().set_config(config)
            name = _name(config)
            is_default_name = name == run_name(str(config.hydra.job.override_dirname))
            if is_default_name:
                name = self._earlier.free_name(name, overrides)
            folder = Path(str(config.hydra.sweep.dir), name).absolute()
            config.hydra.runtime.output_dir = str(folder)
            HydraConfig.instance().set_config(config)
            del config["hydra"]
        identity = self._identify(config)
        HydraConfig.instance().set_config(master)
        # A folder that the user names (hydra.sweep.subdir) stays.
        finished = self._earlier.finished_name(identity) if is_default_name else None
        if finished is not None:
            name, folder = finished, folder.with_name(finished)
            identity = identity._replace(folder=folder)
        # The folder is fixed, so that a job keeps it when finished jobs before it are left out.
        own = ["hydra.mode=MULTIRUN", f"hydra.sweep.subdir={quoted(name)}"]
        return Job([*overrides, *own], identity, folder)

    def _launch(self, jobs: Sequence[Job], first: int) -> list[Outcome]:
        launch = self._sweeper.launcher.launch
        try:
            if not self._shared:
                results = launch([job.overrides for job in jobs], initial_job_idx=first)
            else:
                with raising_on_sigterm(), limited_threads(min(self.at_once, len(jobs))):
                    results = launch([job.overrides for job in jobs], initial_job_idx=first)
        except RunStopped:
            raise
        except Exception as error:
            # A launcher that lost one process returns no results for the other jobs.
            lost = f"the launcher failed: {describe_error(error)}"
            return [
                Outcome(job.folder) if is_finished(job.identity) else Outcome(job.folder, 1, lost)
                for job in jobs
            ]
        return [_outcome(job, result) for job, result in zip(jobs, results, strict=True)]


def _name(config: DictConfig) -> str:
    """Return the name of a job's folder from its configuration."""
    name = config.hydra.sweep.subdir
    if name is None or not str(name).strip():
        raise InputError(f"hydra.sweep.subdir must be the name of a folder, not {name!r}")
    return str(name)


def _outcome(job: Job, result: JobReturn) -> Outcome:
    if result.status is JobStatus.COMPLETED:
        return result.return_value
    return Outcome(job.folder, 1, describe_error(result._return_value))


def _parallelism(launcher: Mapping[str, Any], most: int | None) -> tuple[int, int | None, bool]:
    """Return the number of parallel jobs, the jobs per launch, and if they run on this machine."""
    match launcher["_target_"].rpartition(".")[2]:
        case "JoblibLauncher":
            count = launcher["n_jobs"]
            return (count if count > 0 else max(1, cores() + 1 + count)), most, True
        case "LocalLauncher":  # starts all jobs of a launch at once
            count = most or cores()
            return count, count, True
        case "SlurmLauncher":
            return most or launcher["array_parallelism"], most, False
    return 1, most, False


def quoted(text: str) -> str:
    """Return a text quoted as a value in Hydra's override syntax."""
    return QuotedString(text, Quote.single).with_quotes()
