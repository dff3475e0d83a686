"""Convert a configuration that Hydra has composed to plain values."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
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
_CROSS_GROUP = ("preset", "regime")


def plain_values(config: DictConfig, verb: str) -> dict[str, Any]:
    """Return a configuration that Hydra has composed in this process as plain values.

    Raises:
        InputError: as `resolved` does, and for a preset that does not exist.
    """
    plain = resolved(config, verb)
    require_preset(HydraConfig.get().overrides.task, _folders("preset"))
    return plain


def resolved(config: DictConfig, verb: str) -> dict[str, Any]:
    """Return a configuration as plain values, with all references resolved.

    Raises:
        InputError: for a key that was added (``+sede=1``) but that the verb does not have, and for
            a value that is missing or refers to a missing one.
    """
    known = _own_keys(verb)
    for key in config:
        if str(key) not in known:
            raise unknown("key", str(key), sorted(known))
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = error.full_key or str(error)
        raise InputError(f"{key} is not set; set it with {key}=VALUE") from error
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, dict)
    for key in PATH_KEYS:
        if (value := _at(plain, key)) is not None and not str(value).strip():
            raise InputError(f"{key} is empty (an unset shell variable?); give a path")
    return plain  # type: ignore[return-value]


def log_cross_group_options(plain: Mapping[str, Any]) -> None:
    """Log the keys of other groups that the chosen preset and regime set, one line for each.

    Nothing is logged with `model_dir`: these are settings of a training that does not take place.
    """
    if plain.get("model_dir") is not None:
        return
    choices = HydraConfig.get().runtime.choices
    for group in _CROSS_GROUP:
        file = _file_of(group, choices.get(group))
        if file is None:
            continue
        values = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
        leaves = [
            (key, _referred(plain, value))
            for key, value in (_leaves(values) if isinstance(values, dict) else ())
        ]
        assignments = [
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in leaves
            if not key.startswith((f"{group}.", "defaults")) and _at(plain, key) == value
        ]
        if assignments:
            advice = " (switch off with ~preset)" if group == "preset" else ""
            log.info("%s=%s sets %s%s", group, choices[group], ", ".join(assignments), advice)


def _referred(plain: Mapping[str, Any], value: Any) -> Any:
    """Return the value of the key that an interpolation names, or `value` if it is none."""
    match = re.fullmatch(r"\$\{([\w.]+)\}", value) if isinstance(value, str) else None
    return _at(plain, match[1]) if match else value


def require_preset(words: Iterable[str], folders: Iterable[Path]) -> None:
    """Raise an error if the preset in the overrides does not exist, since Hydra ignores that."""
    names = [word.partition("=")[2] for word in words if word.startswith("preset=")]
    known = {file.stem for folder in folders for file in folder.glob("*.yaml")}
    if names and names[-1] not in ("null", "", *known):
        raise unknown("preset", names[-1], sorted(known))


def _folders(group: str) -> Iterator[Path]:
    """Yield the folders of a group: the program's, then the user's (``--config-dir``)."""
    yield config_dir() / group
    for source in HydraConfig.get().runtime.config_sources:
        if source.schema == "file":
            yield Path(source.path) / group


def _file_of(group: str, option: str | None) -> Path | None:
    """Return the YAML file of a group's option, or None."""
    if not isinstance(option, str):
        return None
    files = (folder / f"{option}.yaml" for folder in _folders(group))
    return next((file for file in files if file.is_file()), None)


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the full key and the value of each leaf."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _at(plain: Any, key: str) -> Any:
    """Return the value of a dotted key, or None."""
    for name in key.split("."):
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain


def _own_keys(verb: str) -> set[str]:
    """Return the top-level keys of a verb's configuration."""
    own = OmegaConf.load(config_dir() / f"{verb}.yaml")
    assert isinstance(own, DictConfig)
    groups = {str(group) for part in own.defaults if isinstance(part, DictConfig) for group in part}
    return {str(key) for key in own if key not in ("defaults", "hydra")} | groups
