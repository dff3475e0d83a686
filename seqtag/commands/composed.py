"""From a configuration that Hydra has composed to plain values."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from seqtag.commands.help import config_dir
from seqtag.commands.overrides import PATH_KEYS
from seqtag.errors import InputError, unknown

log = logging.getLogger("seqtag")

# Groups whose options set keys of other groups.
_REACHING = ("preset", "regime")


def plain_values(config: DictConfig, verb: str) -> dict[str, Any]:
    """Return a configuration as plain values.

    Raises:
        InputError: for a key that was added (``+sede=1``) but is not one of the verb, and a value
            that is missing or refers to one that is not there.
    """
    known = _own_keys(verb)
    for key in config:
        if str(key) not in known:
            raise unknown("key", str(key), sorted(known))
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = error.full_key or str(error)
        raise InputError(f"{key} is not set; give it as {key}=VALUE") from error
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, dict)
    for key in PATH_KEYS:
        if (value := _at(plain, key)) is not None and not str(value).strip():
            raise InputError(f"{key} is empty; was it an unset variable? Give a path")
    _require_preset()
    return plain  # type: ignore[return-value]


def log_cross_group_options(plain: Mapping[str, Any]) -> None:
    """Log, in a line for each, which keys of other groups the chosen preset and regime set."""
    choices = HydraConfig.get().runtime.choices
    for group in _REACHING:
        file = _file_of(group, choices.get(group))
        if file is None:
            continue
        found = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
        leaves = _leaves(found) if isinstance(found, dict) else ()
        set_here = [
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in leaves
            if not key.startswith((f"{group}.", "defaults")) and _at(plain, key) == value
        ]
        if set_here:
            advice = " (~preset leaves them as they are)" if group == "preset" else ""
            log.info("%s=%s sets %s%s", group, choices[group], ", ".join(set_here), advice)


def _require_preset() -> None:
    """Refuse a preset that is asked for but does not exist; Hydra ignores it."""
    given = [word for word in HydraConfig.get().overrides.task if word.startswith("preset=")]
    name = given[-1].partition("=")[2] if given else "null"
    if name not in ("null", "") and _file_of("preset", name) is None:
        files = [file for folder in _folders("preset") for file in folder.glob("*.yaml")]
        raise unknown("preset", name, sorted({file.stem for file in files}))


def _folders(group: str) -> Iterator[Path]:
    """Yield the folders of a group: that of the program, and the user's (``--config-dir``)."""
    yield config_dir() / group
    for source in HydraConfig.get().runtime.config_sources:
        if source.schema == "file":
            yield Path(source.path) / group


def _file_of(group: str, option: str | None) -> Path | None:
    """Return the YAML file of a group's option; None where there is none."""
    if not isinstance(option, str):
        return None
    files = (folder / f"{option}.yaml" for folder in _folders(group))
    return next((file for file in files if file.is_file()), None)


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value by its full key."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _at(plain: Any, key: str) -> Any:
    """Return the value of a key with dots in it; None where there is none."""
    for name in key.split("."):
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain


def _own_keys(verb: str) -> set[str]:
    """Return the top-level keys of a verb's configuration."""
    own = OmegaConf.load(config_dir() / f"{verb}.yaml")
    assert isinstance(own, DictConfig)
    groups = {str(group) for part in own.defaults if isinstance(part, DictConfig) for group in part}
    return {str(key) for key in own if key not in ("defaults", "hydra")} | groups
