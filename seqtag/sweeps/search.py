"""Hyperparameter search with Optuna's ask-and-tell interface.

Several processes can share a search through its storage: each asks for its own trials until all of
them together have reached the number of trials. The random draws of a trial depend only on the
search's seed and the trial's number, so that no two processes draw the same parameters, and a
resumed search does not repeat earlier draws.
"""

from __future__ import annotations

import os
import random
import socket
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from seqtag.checks import AtLeast, AtMost, FileName, Seed, Text, check_fields
from seqtag.errors import InputError
from seqtag.metrics.choice import is_higher_better
from seqtag.metrics.main import is_share

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial

# Seconds to wait for a database that another process is writing to.
_LOCKED = 60


@dataclass(frozen=True)
class SearchConfig:
    """The settings of a search.

    Attributes:
        sampler: tpe, or random.
        trials: number of trials, of all processes that share the search together.
        metric: the score that is optimised, by its name or its split: "dev".
        direction: maximize, minimize, or auto: that of the score; see `resolved`.
        seed: the random seed of the trials' parameters.
        storage: URL of a database, path of a journal file, or None to keep the trials in memory.
    """

    sampler: Literal["tpe", "random"]
    trials: Annotated[int, AtLeast(1), AtMost(1_000_000)]
    metric: Text
    direction: Literal["auto", "maximize", "minimize"]
    seed: Seed
    storage: FileName | None

    def __post_init__(self) -> None:
        check_fields(self)

    def resolved(self, metric: str | None) -> SearchConfig:
        """Return the settings with the direction of the score instead of auto.

        Args:
            metric: the setting ``metric`` of the runs, which is the score of their splits.

        Raises:
            InputError: for a direction that would search for the worst score.
        """
        # "dev" is the main score of a split; "dev f1" names it. Those of a probe are accuracies.
        own = metric if self.metric in ("dev", "test") else self.metric.partition(" ")[2]
        direction = "maximize" if not own or is_higher_better(own) else "minimize"
        if self.direction not in ("auto", direction):
            raise InputError(
                f"search.direction={self.direction} would search for the worst {self.metric}: "
                f"leave it out, or set search.direction={direction}"
            )
        return replace(self, direction=direction)


class Search:
    """A search: the caller gets trials from `ask`, runs them, and passes their results to `tell`.

    Args:
        settings: of the search.
        space: the distributions of the parameters, by key.
        name: the name of the search in its storage.

    Raises:
        InputError: if Optuna is not installed, the storage cannot be reached, or it holds a search
            of this name with another space or direction.
    """

    def __init__(self, settings: SearchConfig, space: dict[str, BaseDistribution], name: str):
        try:
            import optuna
        except ModuleNotFoundError:
            raise InputError("a search needs Optuna: pip install 'seqtag[search]'") from None
        self.settings = settings
        self._space = space
        self._states = optuna.trial.TrialState
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = _open(optuna, settings, name)
        self._check_space(name)

    def ask(self, most: int) -> list[Trial]:
        """Return up to `most` new trials to run; none once the number of trials is reached."""
        self._free_killed()
        trials: list[Trial] = []
        while len(trials) < most and len(self._taken()) < self.settings.trials:
            trial = self._study.ask(self._space)
            trial.set_user_attr("process", f"{socket.gethostname()}:{os.getpid()}")
            if sum(number < trial.number for number in self._taken()) >= self.settings.trials:
                self.free(trial)  # another process has just taken the last one
                break
            trials.append(trial)
        return trials

    def tell(self, trial: Trial, value: float | None, error: str | None) -> None:
        """Record the result of a trial: its value, or why it failed."""
        if error is not None:
            trial.set_user_attr("error", error)
        state = self._states.COMPLETE if error is None else self._states.FAIL
        self._study.tell(trial, value, state)

    def free(self, trial: Trial | FrozenTrial) -> None:
        """Release a trial that did not end: another trial will be run in its place."""
        self._study.tell(trial.number, state=self._states.PRUNED)

    def _ranked(self) -> list[FrozenTrial]:
        """Return all trials: the best first, failed ones last."""
        trials = [trial for trial in self._study.get_trials() if self._counts(trial)]
        sign = -1 if self.settings.direction == "maximize" else 1
        return sorted(trials, key=lambda t: (t.value is None, sign * (t.value or 0)))

    def rows(self, score: str = "") -> list[list[str]]:
        """Return a table of all trials for readers: the best first, failed ones last.

        Args:
            score: the name of the main score of the runs, if it is known.
        """
        in_percent = is_share(score)
        factor, unit, digits = (100, " %", 2) if in_percent else (1, "", 4)
        head = ["trial", f"{self.settings.metric}{unit}", *self._space, "failed"]
        return [
            head,
            *(
                [
                    str(trial.number),
                    "" if trial.value is None else f"{factor * trial.value:.{digits}f}",
                    *(_short(trial.params.get(name)) for name in self._space),
                    trial.user_attrs.get("error", ""),
                ]
                for trial in self._ranked()
            ),
        ]

    def records(self) -> list[dict[str, Any]]:
        """Return the trials for programs, in the order of `rows`: one value for each column."""
        return [
            {
                "trial": trial.number,
                "score": trial.value,
                **{name: trial.params.get(name) for name in self._space},
                "error": trial.user_attrs.get("error"),
            }
            for trial in self._ranked()
        ]

    def best(self) -> FrozenTrial | None:
        """Return the best trial, or None if none has a value."""
        if not self._study.get_trials(states=(self._states.COMPLETE,)):
            return None
        return self._study.best_trial

    def _counts(self, trial: FrozenTrial) -> bool:
        """Return whether a trial counts towards the number of trials: released ones do not."""
        return trial.state is not self._states.PRUNED

    def _taken(self) -> list[int]:
        """Return the numbers of the trials that count."""
        return [trial.number for trial in self._study.get_trials() if self._counts(trial)]

    def _free_killed(self) -> None:
        """Release the trials of processes on this machine that have been killed."""
        for trial in self._study.get_trials(states=(self._states.RUNNING,)):
            host, _, process = trial.user_attrs.get("process", "").rpartition(":")
            if host == socket.gethostname() and not _is_alive(int(process)):
                self.free(trial)

    def _check_space(self, name: str) -> None:
        for trial in self._study.get_trials():
            if trial.params.keys() != self._space.keys():
                raise InputError(
                    f"the search {name} exists already, with another search space: "
                    f"{', '.join(trial.params)}; give this one another name with study=NAME"
                )


def _open(optuna: Any, settings: SearchConfig, name: str) -> optuna.Study:
    """Return the Optuna study of that name; create it if there is none."""
    try:
        study = optuna.create_study(
            study_name=name,
            storage=_storage(optuna, settings.storage),
            direction=settings.direction,
            sampler=_by_number(optuna, settings),
            load_if_exists=True,
        )
    except Exception as error:  # database libraries raise exceptions of many types
        line = str(error).strip().partition("\n")[0]
        raise InputError(f"search.storage={settings.storage}: {line}") from error
    if study.direction.name.lower() != settings.direction:
        raise InputError(
            f"search.direction={settings.direction}, but the search {name} exists already with "
            f"search.direction={study.direction.name.lower()}"
        )
    return study


def _storage(optuna: Any, storage: str | None) -> Any:
    if storage is None:
        return None
    if storage.startswith("sqlite:"):
        options = {"connect_args": {"timeout": _LOCKED}}
        return optuna.storages.RDBStorage(storage, engine_kwargs=options)
    if "://" in storage:
        return optuna.storages.RDBStorage(storage)
    if not Path(storage).parent.is_dir():
        raise InputError(f"there is no folder {Path(storage).parent}")
    backend = optuna.storages.journal.JournalFileBackend(storage)
    return optuna.storages.JournalStorage(backend)


def _by_number(optuna: Any, settings: SearchConfig) -> optuna.samplers.BaseSampler:
    """Return a sampler that seeds the draws of each trial with the seed and the trial's number."""
    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}

    class ByNumber(optuna.samplers.BaseSampler):
        """Delegates each trial to a new sampler, seeded for that trial."""

        def before_trial(self, study: Any, trial: Any) -> None:
            seed = random.Random(f"{settings.seed}:{trial.number}").randrange(2**32)
            self._sampler = samplers[settings.sampler](seed=seed)
            self._sampler.before_trial(study, trial)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self._sampler.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, space: Any) -> Any:
            return self._sampler.sample_relative(study, trial, space)

        def sample_independent(self, study: Any, trial: Any, name: str, of: Any) -> Any:
            return self._sampler.sample_independent(study, trial, name, of)

    return ByNumber()


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
