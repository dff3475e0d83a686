"""The jobs of a sweep: planned, then handed to one of Hydra's launchers, to run where that does."""

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
from seqtag.sweeps.isolated import cores, ended_by_sigterm, threads_shared
from seqtag.sweeps.locks import live_run
from seqtag.sweeps.naming import EarlierRuns, run_name
from seqtag.sweeps.progress import logging_ends
from seqtag.sweeps.records import Identity, in_a_line, is_finished

log = logging.getLogger("seqtag")

# Of Hydra: the keys that are left out of the names of folders.
_LEFT_OUT = "hydra.job.config.override_dirname.exclude_keys"


class Outcome(NamedTuple):
    """What became of a job: its folder, its exit code, and why it failed, where it did."""

    folder: Path
    code: int = 0
    error: str | None = None


class Job(NamedTuple):
    """A list of overrides, the run that they make, and where its output goes."""

    overrides: list[str]
    identity: Identity
    folder: Path


class Runner:
    """Runs jobs, and keeps what became of them; closed, it leaves no process behind.

    Attributes:
        folder: that of the sweep.
        at_once: how many jobs run side by side.
        outcomes: what became of each job so far.

    Args:
        sweeper: of Hydra.
        identify: returns which run a job's configuration makes, or refuses it.
        named: overrides of all jobs, by which they have the sweep's folder.
        fixed: keys of overrides that are the same for all jobs: the names of their folders, and
            not the others, leave them out.
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
        left_out = [*config.hydra.job.config.override_dirname.exclude_keys, *fixed]
        self._left_out = f"{_LEFT_OUT}=[{','.join(map(quoted, left_out))}]"
        self.folder = Path(config.hydra.sweep.dir)
        self._earlier = EarlierRuns(self.folder)
        launcher = OmegaConf.to_container(config.hydra.launcher, resolve=True)
        self.at_once, self._batch, self._shared = _side_by_side(
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
        """Run a job for each list of overrides, but for those that are finished; return the ends.

        Raises:
            InputError: for a job that cannot be configured, before any is started.
        """
        jobs = [self._plan(list(given), number) for number, given in enumerate(overrides)]
        waiting = list({job.folder: job for job in jobs if not is_finished(job.identity)}.values())
        if done := len({job.folder for job in jobs}) - len(waiting):
            log.info("%d of %d jobs are finished already", done, done + len(waiting))
        ended = {job.folder: Outcome(job.folder) for job in jobs}
        in_use = {job.folder: live_run(job.folder) for job in waiting}
        # Nothing is written there: the record is that of the live run.
        ended |= {folder: Outcome(folder, 1, said) for folder, said in in_use.items() if said}
        waiting = [job for job in waiting if not in_use[job.folder]]
        size = self._batch or len(waiting) or 1
        for first in range(0, len(waiting), size):
            batch = waiting[first : first + size]
            # One at a time they say for themselves how they get on.
            folders = [job.folder for job in batch]
            with logging_ends(folders) if self.at_once > 1 else nullcontext():
                outcomes = self._launch(batch, first)
            ended |= {outcome.folder: outcome for outcome in outcomes}
        for outcome in ended.values():
            if outcome.error is not None:
                log.error("failed: %s: %s", outcome.folder, outcome.error)
        self.outcomes += ended.values()
        return [ended[job.folder] for job in jobs]

    def check(self, overrides: Sequence[str]) -> None:
        """Raise the error that planning a job raises, if it does; run nothing."""
        self._plan(list(overrides), 0)

    def _plan(self, overrides: list[str], number: int) -> Job:
        """Compose a job's configuration as it will be where it runs."""
        master = self._sweeper.config
        overrides = [*overrides, *self._named]
        config = self._sweeper.hydra_context.config_loader.load_sweep_config(
            master, [*overrides, self._left_out]
        )
        with read_write(config.hydra.runtime), open_dict(config):
            config.hydra.job.num, config.hydra.job.id = number, str(number)
            HydraConfig.instance().set_config(config)
            name = _name(config)
            named_here = name == run_name(str(config.hydra.job.override_dirname))
            if named_here:
                name = self._earlier.free_name(name, overrides)
            folder = Path(str(config.hydra.sweep.dir), name).absolute()
            config.hydra.runtime.output_dir = str(folder)
            HydraConfig.instance().set_config(config)
            del config["hydra"]
        identity = self._identify(config)
        HydraConfig.instance().set_config(master)
        # A folder that the user names (hydra.sweep.subdir) stays.
        if named_here and (twin := self._earlier.finished(identity)) is not None:
            name, folder = twin, folder.with_name(twin)
            identity = identity._replace(folder=folder)
        # Where a finished job is left out, those behind it keep the folders that they had.
        own = ["hydra.mode=MULTIRUN", f"hydra.sweep.subdir={quoted(name)}"]
        return Job([*overrides, *own], identity, folder)

    def _launch(self, jobs: Sequence[Job], first: int) -> list[Outcome]:
        launch = self._sweeper.launcher.launch
        try:
            if not self._shared:
                results = launch([job.overrides for job in jobs], initial_job_idx=first)
            else:
                with ended_by_sigterm(), threads_shared(min(self.at_once, len(jobs))):
                    results = launch([job.overrides for job in jobs], initial_job_idx=first)
        except RunStopped:
            raise
        except Exception as error:
            # A launcher that lost a process of its own does not tell of the jobs of the others.
            lost = f"the launcher gave up: {in_a_line(error)}"
            return [
                Outcome(job.folder) if is_finished(job.identity) else Outcome(job.folder, 1, lost)
                for job in jobs
            ]
        return [_outcome(job, result) for job, result in zip(jobs, results, strict=True)]


def _name(config: DictConfig) -> str:
    """Return the name of a job's folder, as the configuration says."""
    name = config.hydra.sweep.subdir
    if name is None or not str(name).strip():
        raise InputError(f"hydra.sweep.subdir must be the name of a folder, not {name!r}")
    return str(name)


def _outcome(job: Job, result: JobReturn) -> Outcome:
    if result.status is JobStatus.COMPLETED:
        return result.return_value
    return Outcome(job.folder, 1, in_a_line(result._return_value))


def _side_by_side(launcher: Mapping[str, Any], most: int | None) -> tuple[int, int | None, bool]:
    """Return how many jobs run at once, how many are launched in one go, and if on our cores."""
    match launcher["_target_"].rpartition(".")[2]:
        case "JoblibLauncher":
            count = launcher["n_jobs"]
            return (count if count > 0 else max(1, cores() + 1 + count)), most, True
        case "LocalLauncher":  # starts all that it is given
            count = most or cores()
            return count, count, True
        case "SlurmLauncher":
            return most or launcher["array_parallelism"], most, False
    return 1, most, False


def quoted(text: str) -> str:
    """Return a text as a value in Hydra's syntax, whatever is in it."""
    return QuotedString(text, Quote.single).with_quotes()
