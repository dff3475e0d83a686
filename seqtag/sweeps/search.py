"""A search over Optuna's ask and tell: which trials to run next, given those that have been run.

Several processes may share a search through its storage: each asks for trials of its own until all
of them together are as many as wanted. What a trial is made of is drawn from the search's seed and
the trial's number alone, so that no two processes draw the same, and a search that goes on does not
draw again what it drew before.
"""

from __future__ import annotations

import os
import random
import socket
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from seqtag.checks import AtLeast, AtMost, FileName, Seed, Text, check_fields
from seqtag.errors import InputError

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial

# Seconds to wait for a database that another process is writing to.
_LOCKED = 60


@dataclass(frozen=True)
class SearchConfig:
    """What is searched for, and how.

    Attributes:
        sampler: tpe, or random.
        trials: how many are run in all, by all processes that share the search.
        metric: the score that counts, by its name or its split: "dev".
        direction: maximize or minimize.
        seed: what the trials are drawn from.
        storage: a database's URL, a file for a journal, or None to keep the trials in memory.
    """

    sampler: Literal["tpe", "random"]
    trials: Annotated[int, AtLeast(1), AtMost(1_000_000)]
    metric: Text
    direction: Literal["maximize", "minimize"]
    seed: Seed
    storage: FileName | None

    def __post_init__(self) -> None:
        check_fields(self)


class Search:
    """The trials of a search: ask for some, run them, tell how they went.

    Raises:
        InputError: if Optuna is not installed, the storage cannot be reached, or holds a search of
            this name that is another one.
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
        """Return so many trials to run, at most; none when there are as many as wanted."""
        self._free_killed()
        asked: list[Trial] = []
        while len(asked) < most and len(self._taken()) < self.settings.trials:
            trial = self._study.ask(self._space)
            trial.set_user_attr("process", f"{socket.gethostname()}:{os.getpid()}")
            if sum(number < trial.number for number in self._taken()) >= self.settings.trials:
                self.free(trial)  # another process has taken the last one meanwhile
                break
            asked.append(trial)
        return asked

    def tell(self, trial: Trial, value: float | None, error: str | None) -> None:
        """Record how a trial went: its value, or why it has none."""
        if error is not None:
            trial.set_user_attr("error", error)
        state = self._states.COMPLETE if error is None else self._states.FAIL
        self._study.tell(trial, value, state)

    def free(self, trial: Trial | FrozenTrial) -> None:
        """Give back a trial that was not run to its end: another one will be run in its place."""
        self._study.tell(trial.number, state=self._states.PRUNED)

    def rows(self) -> list[list[str]]:
        """Return a table of all trials, the best first, those that failed last."""
        trials = [trial for trial in self._study.get_trials() if self._counts(trial)]
        sign = -1 if self.settings.direction == "maximize" else 1
        trials.sort(key=lambda trial: (trial.value is None, sign * (trial.value or 0)))
        head = ["trial", f"{self.settings.metric} %", *self._space, "failed"]
        return [
            head,
            *(
                [
                    str(trial.number),
                    "" if trial.value is None else f"{100 * trial.value:.2f}",
                    *(_short(trial.params.get(name)) for name in self._space),
                    trial.user_attrs.get("error", ""),
                ]
                for trial in trials
            ),
        ]

    def best(self) -> FrozenTrial | None:
        """Return the best trial; None where none has a value."""
        if not self._study.get_trials(states=(self._states.COMPLETE,)):
            return None
        return self._study.best_trial

    def _counts(self, trial: FrozenTrial) -> bool:
        """Return whether a trial is one of those wanted: not one that was given back."""
        return trial.state is not self._states.PRUNED

    def _taken(self) -> list[int]:
        return [trial.number for trial in self._study.get_trials() if self._counts(trial)]

    def _free_killed(self) -> None:
        """Free the trials of processes of this machine that are no more."""
        for trial in self._study.get_trials(states=(self._states.RUNNING,)):
            host, _, process = trial.user_attrs.get("process", "").rpartition(":")
            if host == socket.gethostname() and not _is_alive(int(process)):
                self.free(trial)

    def _check_space(self, name: str) -> None:
        for trial in self._study.get_trials():
            if trial.params.keys() != self._space.keys():
                raise InputError(
                    f"the search {name} has other things to search than it had before: "
                    f"{', '.join(trial.params)}; give it a name of its own as study=NAME"
                )


def _open(optuna: Any, settings: SearchConfig, name: str) -> optuna.Study:
    """Return the study of that name, made where there is none."""
    try:
        study = optuna.create_study(
            study_name=name,
            storage=_storage(optuna, settings.storage),
            direction=settings.direction,
            sampler=_by_number(optuna, settings),
            load_if_exists=True,
        )
    except Exception as error:  # by what is wrong with a database, whatever its library raises
        line = str(error).strip().partition("\n")[0]
        raise InputError(f"search.storage={settings.storage}: {line}") from error
    if study.direction.name.lower() != settings.direction:
        raise InputError(
            f"search.direction={settings.direction}, but the search {name} is there already, and "
            f"is to {study.direction.name.lower()}"
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
    """Return a sampler that draws each trial from the seed and the trial's number."""
    make = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}

    class ByNumber(optuna.samplers.BaseSampler):
        """Hands each trial to a fresh sampler, seeded for it."""

        def before_trial(self, study: Any, trial: Any) -> None:
            seed = random.Random(f"{settings.seed}:{trial.number}").randrange(2**32)
            self._sampler = make[settings.sampler](seed=seed)
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
