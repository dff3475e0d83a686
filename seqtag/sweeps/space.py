"""The search space of a search: sweep overrides in Hydra's syntax, as Optuna's distributions.

optimizer.lr=tag(log, interval(1e-4, 1e-2))  a number in the interval, uniform in its logarithm
model.dropout=interval(0, 0.5)               a number in the interval
model.hidden_size=int(interval(64, 256))     a whole number in the interval, both ends included
model.num_layers=range(1, 4)                 1, 2 or 3
cell=lstm,gru or cell=choice(lstm, gru)      one of them
seed=1,2,3                                   not searched: every trial is run with each seed
data.fold=0,1,2                              likewise with each fold
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from seqtag.errors import InputError, unknown
from seqtag.sweeps.records import REPEATED

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Space:
    """The searched overrides, the fixed ones, and the seeds and folds of each trial.

    Attributes:
        searched: the overrides that are sweeps, by key.
        fixed: the other overrides, as text.
        seeds: the overrides of each seed or fold, or of each pair of both; one empty list if
            neither is swept.
    """

    searched: dict[str, Override]
    fixed: list[str]
    seeds: list[list[str]]

    @classmethod
    def from_overrides(cls, overrides: Sequence[Override]) -> Space:
        """Sort overrides into those that are searched and those that are not.

        Raises:
            InputError: if no override is searched.
        """
        searched, fixed, repeated = {}, [], []
        for override in overrides:
            key = override.get_key_element()
            if key == "search" or key.startswith("search."):
                continue
            if not override.is_sweep_override():
                fixed.append(f"{key}={override.get_value_element_as_str()}")
            elif key in REPEATED and override.is_discrete_sweep():
                repeated.append([f"{key}={value}" for value in override.sweep_string_iterator()])
            else:
                searched[key] = override
        if not searched:
            raise InputError(
                "a search needs something to search: optimizer.lr='interval(0.001, 0.01)', or "
                "cell=lstm,gru"
            )
        return cls(searched, fixed, [list(values) for values in product(*repeated)])

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the distributions that Optuna draws from, by key."""
        return {key: _distribution(override) for key, override in self.searched.items()}

    def covering_choices(self) -> Iterator[dict[str, Any]]:
        """Yield parameters that together contain each option and both ends of each interval."""
        options = {key: _options(override) for key, override in self.searched.items()}
        for turn in range(max(map(len, options.values()))):
            yield {key: choices[turn % len(choices)] for key, choices in options.items()}

    def overrides(self, params: Mapping[str, Any]) -> list[str]:
        """Return the overrides that a trial's parameters stand for."""
        return [f"{key}={params[key]}" for key in self.searched]

    def jobs(self, params: Mapping[str, Any]) -> list[list[str]]:
        """Return the overrides of a trial's jobs, one for each seed and fold."""
        return [[*self.fixed, *self.overrides(params), *seed] for seed in self.seeds]

    def experiment(self, params: Mapping[str, Any]) -> str:
        """Return a trial's parameters as the YAML of an experiment config."""
        groups, values = [], {}
        for key, override in self.searched.items():
            name = override.key_or_group
            if override.config_loader.get_group_options(name):
                groups.append({f"override /{name}": params[key]})
                continue
            node = values
            *parents, last = name.split(".")
            for part in parents:
                node = node.setdefault(part, {})
            (parsed,) = OverridesParser.create().parse_overrides([f"{name}={params[key]}"])
            node[last] = parsed.value()
        experiment = {"defaults": groups, **values} if groups else values
        return yaml.safe_dump(experiment, sort_keys=False, allow_unicode=True)


def _options(override: Override) -> list[Any]:
    value = override.value()
    if override.is_interval_sweep():
        return [value.start, value.end]
    return list(override.sweep_string_iterator())


def _distribution(override: Override) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    tags = getattr(value, "tags", set())
    try:
        for tag in tags - {"log"}:
            raise unknown("tag", tag, ["log"])
        if override.is_interval_sweep():
            whole = isinstance(value.start, int)
            kind = IntDistribution if whole else FloatDistribution
            return kind(value.start, value.end, log="log" in tags)
        if tags:
            raise InputError("the tag log applies only to an interval")
        options = list(override.sweep_iterator())
        if not options:
            raise InputError("it has no values")
        if override.is_range_sweep() and all(isinstance(number, int) for number in options):
            return IntDistribution(min(options), max(options), step=abs(value.step))
        return CategoricalDistribution(_options(override))
    except ValueError as error:  # from Optuna, or an InputError from above
        raise InputError(f"{override.input_line}: {error}") from None
