"""What sets runs apart that are otherwise the same: the settings in which they differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

# Settings that follow from another one: they need not be shown beside it.
_FOLLOW = {"size": ("data.train", "data.dev", "trainer.max_epochs")}


def differing(
    runs: pd.DataFrame, by: Sequence[str], configs: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return by run what tells it from others of its setup and seed, as "optimizer.lr=0.1".

    All runs of that setup show the same settings; "" where no two have the same seed, and
    where the configurations of those are the same.

    Args:
        runs: a row a run, with the columns run and seed.
        by: columns in which the runs of a setup are the same.
        configs: the configuration of each run.
    """
    texts = {}
    for _, setup in runs.groupby(list(by), dropna=False):
        flat = {run: dict(_leaves(configs.get(run, {}))) for run in setup["run"]}
        keys: set[str] = set()
        for _, same in setup.groupby("seed"):
            keys |= _unlike([flat[run] for run in same["run"]])
        for name in keys & set(_FOLLOW):
            keys -= set(_FOLLOW[name])
        for run, leaves in flat.items():
            texts[run] = " ".join(f"{key}={leaves.get(key, 'null')}" for key in sorted(keys))
    return texts


def _unlike(configs: Sequence[Mapping[str, str]]) -> set[str]:
    """Return the keys that do not have the same value in all configurations."""
    keys = {key for config in configs for key in config}
    return {key for key in keys if len({config.get(key) for config in configs}) > 1}


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting by its whole name, as on the command line."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _text(value)


def _text(value: Any) -> str:
    """Return a value as on the command line."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    return "null" if value is None else str(value)
