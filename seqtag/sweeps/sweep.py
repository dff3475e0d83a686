"""Grids and searches: plan all jobs, run those that are not finished, and write a table."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from seqtag.checks import from_plain
from seqtag.errors import InputError
from seqtag.files import write_text
from seqtag.metrics.main import score_text
from seqtag.sweeps.jobs import Outcome, Runner
from seqtag.sweeps.records import Identity, read_record
from seqtag.sweeps.search import Search, SearchConfig
from seqtag.sweeps.space import Space
from seqtag.sweeps.summary import RUNS, run_records, summarize, write_records, write_table
from seqtag.sweeps.table import print_table, read_runs, tabulate

log = logging.getLogger("seqtag")

# The terminal shows this many trials; the files have them all.
_SHOWN = 10


class Task(Protocol):
    """The callable that Hydra calls with the configuration of each job."""

    outcomes: list[Outcome]
    folder: Path
    named: list[str]

    def identify(self, config: DictConfig) -> Identity:
        """Return the identity of a configuration's run; raise InputError for a wrong setting."""


def sweep(sweeper: BasicSweeper, task: Task, arguments: list[str]) -> None:
    """Run all jobs of the command line's overrides; store their outcomes in the task.

    Raises:
        InputError: for a wrong argument, before any job is started.
    """
    config = sweeper.config
    parser = OverridesParser.create(config_loader=sweeper.hydra_context.config_loader)
    overrides = parser.parse_overrides([*sweeper._parse_config(), *arguments])
    task.folder = Path(config.hydra.sweep.dir)
    # If a key is given twice, the last one counts.
    varied = {o.key_or_group: o.is_sweep_override() for o in overrides}
    fixed = [key for key, varies in varied.items() if not varies]
    with Runner(sweeper, task.identify, task.named, fixed) as runner:
        if OmegaConf.select(config, "search") is None:
            _grid(sweeper, overrides, runner)
        else:
            _search(config, overrides, runner)
    task.outcomes += runner.outcomes


def _grid(sweeper: BasicSweeper, overrides: Sequence[Override], runner: Runner) -> None:
    for override in overrides:
        if override.is_interval_sweep():
            raise InputError(
                f"{override.input_line}: an interval needs a search: "
                "add search=tpe or search=random"
            )
    (jobs,) = sweeper.split_arguments(list(overrides), None)
    runner.run(jobs)
    _show_grid(runner.folder)


def _show_grid(folder: Path) -> None:
    try:
        runs = read_runs(folder)
    except InputError:  # the verb writes no records
        return
    rows = tabulate(runs)
    write_table(folder, rows, summarize(runs))
    write_records(folder / RUNS, run_records(runs))
    print_table(rows)


def _search(config: DictConfig, overrides: Sequence[Override], runner: Runner) -> None:
    plain = OmegaConf.to_container(config.search, resolve=True)
    if any(o.key_or_group == "metric" and o.is_sweep_override() for o in overrides):
        raise InputError("metric: a search compares runs by one metric; choose one of them")
    metric = OmegaConf.select(config, "metric")
    for override in overrides:
        metric = override.value() if override.key_or_group == "metric" else metric
    settings = from_plain(SearchConfig, plain, "search").resolved(metric)
    if settings.storage is not None and all(o.key_or_group != "study" for o in overrides):
        raise InputError(
            "search.storage needs a name under which the search is stored: set study=NAME"
        )
    space = Space.from_overrides(overrides)
    for params in space.covering_choices():
        runner.check(space.jobs(params)[0])
    search = Search(settings, space.distributions(), f"{config.hydra.job.name}/{config.study}")
    width = len(space.seeds)
    while trials := search.ask(max(1, runner.at_once // width)):
        try:
            jobs = [job for trial in trials for job in space.jobs(trial.params)]
            outcomes = runner.run(jobs)
        except BaseException:
            for trial in trials:
                search.free(trial)
            raise
        for number, trial in enumerate(trials):
            by_seed = outcomes[number * width : (number + 1) * width]
            search.tell(trial, *_value(by_seed, settings.metric))
    _conclude(runner.folder, search, space, metric or "")


def _value(outcomes: Sequence[Outcome], metric: str) -> tuple[float | None, str | None]:
    """Return the mean of a score over a trial's seeds, or None and the reason."""
    values = []
    for outcome in outcomes:
        scores = read_record(outcome.folder).get("scores") or {}
        if outcome.error is not None:
            return None, outcome.error
        value = next((v for k, v in scores.items() if metric in (k, k.partition(" ")[0])), None)
        if value is None:
            return None, f"no score {metric!r}; this run has {', '.join(scores) or 'none'}"
        values.append(value)
    return sum(values) / len(values), None


def _conclude(folder: Path, search: Search, space: Space, metric: str) -> None:
    rows = search.rows(metric)
    write_table(folder, rows, search.records())
    print_table(rows[: _SHOWN + 1])
    if (best := search.best()) is None:
        return
    text = (
        f"# @package _global_\n# The best of a search: {search.settings.metric} {best.value:.4f}.\n"
    )
    write_text(folder / "experiment" / "best.yaml", text + space.experiment(best.params))
    log.info(
        "the best is %s, with %s; run it again with --config-dir %s experiment=best",
        *(" ".join(space.overrides(best.params)), score_text(metric, best.value), folder),
    )
