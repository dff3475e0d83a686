"""What a search may choose from: Hydra's own syntax for sweeps, as Optuna's distributions.

optimizer.lr=tag(log, interval(1e-4, 1e-2))  a number between, even on a logarithmic scale
model.dropout=interval(0, 0.5)               a number between
model.hidden_size=int(interval(64, 256))     a whole number between, both ends included
model.num_layers=range(1, 4)                 1, 2 or 3
cell=lstm,gru or cell=choice(lstm, gru)      one of them
seed=1,2,3                                   not searched: every trial is run with each
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from seqtag.errors import InputError, unknown

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Space:
    """What is searched, what is fixed, and the seeds of each trial.

    Attributes:
        searched: the overrides that are sweeps, by key.
        fixed: the others, as they were given.
        seeds: overrides of the seed; one empty list where none was given.
    """

    searched: dict[str, Override]
    fixed: list[str]
    seeds: list[list[str]]

    @classmethod
    def of(cls, overrides: Sequence[Override]) -> Space:
        """Sort overrides into those that are searched and those that are not.

        Raises:
            InputError: if nothing is to be searched.
        """
        searched, fixed, seeds = {}, [], [[]]
        for override in overrides:
            key = override.get_key_element()
            if key == "search" or key.startswith("search."):
                continue
            if not override.is_sweep_override():
                fixed.append(f"{key}={override.get_value_element_as_str()}")
            elif key == "seed" and override.is_discrete_sweep():
                seeds = [[f"seed={value}"] for value in override.sweep_string_iterator()]
            else:
                searched[key] = override
        if not searched:
            raise InputError(
                "a search needs something to search: optimizer.lr='interval(0.001, 0.01)', or "
                "cell=lstm,gru"
            )
        return cls(searched, fixed, seeds)

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return what Optuna is to choose from, by key."""
        return {key: _distribution(override) for key, override in self.searched.items()}

    def each_once(self) -> Iterator[dict[str, Any]]:
        """Yield choices such that each option, and both ends of each range, are in one of them."""
        options = {key: _options(override) for key, override in self.searched.items()}
        for turn in range(max(map(len, options.values()))):
            yield {key: of[turn % len(of)] for key, of in options.items()}

    def given(self, params: Mapping[str, Any]) -> list[str]:
        """Return the overrides that a trial's choices make."""
        return [f"{key}={params[key]}" for key in self.searched]

    def jobs(self, params: Mapping[str, Any]) -> list[list[str]]:
        """Return the overrides of a trial's jobs, one for each seed."""
        return [[*self.fixed, *self.given(params), *seed] for seed in self.seeds]

    def experiment(self, params: Mapping[str, Any]) -> str:
        """Return a trial's choices as the YAML of an experiment."""
        groups, values = [], {}
        for key, override in self.searched.items():
            name = override.key_or_group
            if override.config_loader.get_group_options(name):
                groups.append({f"override /{name}": params[key]})
                continue
            below = values
            *above, last = name.split(".")
            for part in above:
                below = below.setdefault(part, {})
            (given,) = OverridesParser.create().parse_overrides([f"{name}={params[key]}"])
            below[last] = given.value()
        plain = {"defaults": groups, **values} if groups else values
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


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
            raise InputError("the tag log belongs to an interval")
        options = list(override.sweep_iterator())
        if not options:
            raise InputError("there is nothing in it")
        if override.is_range_sweep() and all(isinstance(number, int) for number in options):
            return IntDistribution(min(options), max(options), step=abs(value.step))
        return CategoricalDistribution(_options(override))
    except ValueError as error:  # of Optuna's, or one of these
        raise InputError(f"{override.input_line}: {error}") from None
