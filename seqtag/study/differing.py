"""The settings in which runs of the same setup and seed differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

# Settings that follow from another one and are not shown in addition to it.
_IMPLIED = {"size": ("data.train", "data.dev", "trainer.max_epochs")}


def differing_settings(
    runs: pd.DataFrame, by: Sequence[str], configs: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return, for each run, the settings that distinguish it: "optimizer.lr=0.1".

    A setting is shown if two runs of the setup with the same seed differ in it; then all runs of
    that setup show it. The text is "" if no two runs share a seed, or if those that do have equal
    configurations.

    Args:
        runs: one row for each run, with the columns run and seed.
        by: columns that define a setup.
        configs: the configuration of each run.
    """
    texts = {}
    for _, setup in runs.groupby(list(by), dropna=False):
        flat = {run: dict(_leaves(configs.get(run, {}))) for run in setup["run"]}
        keys: set[str] = set()
        for _, repeats in setup.groupby("seed"):
            keys |= _differing_keys([flat[run] for run in repeats["run"]])
        for name in keys & set(_IMPLIED):
            keys -= set(_IMPLIED[name])
        for run, leaves in flat.items():
            texts[run] = " ".join(f"{key}={leaves.get(key, 'null')}" for key in sorted(keys))
    return texts


def _differing_keys(configs: Sequence[Mapping[str, str]]) -> set[str]:
    """Return the keys that do not have the same value in all configurations."""
    keys = {key for config in configs for key in config}
    return {key for key in keys if len({config.get(key) for config in configs}) > 1}


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting by its full key, as on the command line."""
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
