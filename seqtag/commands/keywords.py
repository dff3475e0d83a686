"""Compose a configuration from keyword arguments of Python, without Hydra's global state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.errors import HydraException
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from seqtag.commands.comments import groups_of
from seqtag.commands.composed import require_preset, resolved
from seqtag.commands.explain import check_cell, explain
from seqtag.commands.extensions import register_installed_options
from seqtag.commands.help import config_dir
from seqtag.errors import InputError, did_you_mean, shown

# Groups and keys that describe a run of the command line.
_INTERNAL = ("hydra", "paths", "study")


class Composed(NamedTuple):
    """The configuration of a verb as plain values, and the keys that were given, with groups."""

    plain: dict[str, Any]
    given: list[str]


def compose_keywords(verb: str, keywords: Mapping[str, Any], output: Path) -> Composed:
    """Return the configuration of a verb, and which of its keys were given.

    A keyword is the name of a group, whose value is an option (``cell="gru"``) or a mapping of its
    keys (``optimizer={"lr": 0.002}``); a key with its group (``"optimizer.lr"``); or, if only one
    group has it, a key alone (``lr``).

    Args:
        verb: the verb, whose defaults are those of the command line.
        keywords: the keywords and their values.
        output: the folder of the run.

    Raises:
        InputError: for an unknown keyword or option, and for a value that is not plain.
    """
    listed = groups_of((config_dir() / f"{verb}.yaml").read_text(encoding="utf-8"))
    groups = {*listed, "preset"}  # an optional group is not listed
    options = {
        name: value
        for name, value in keywords.items()
        if name in groups and (value is None or isinstance(value, str))
    }
    words = [f"{name}={'null' if value is None else value}" for name, value in options.items()]
    check_cell([*words, *keywords])
    config = _composed(verb, [*words, "study=python"])
    config.paths.output_dir = str(output)
    given = [*options]
    for name, value in keywords.items():
        if name not in options:
            given += _assign(config, _full_key(config, name), _plain(value, name))
    require_preset(words, [config_dir() / "preset"])
    return Composed(resolved(config, verb), given)


def _composed(verb: str, words: list[str]) -> DictConfig:
    """Return the configuration of a verb for the options of some groups."""
    register_installed_options(words)
    with _version_base():
        loader = ConfigLoaderImpl(create_config_search_path(str(config_dir())))
        try:
            config = loader.load_configuration(verb, words, run_mode=RunMode.RUN)
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(explain(error, verb, words)) from error
    with open_dict(config):
        del config["hydra"]
    return config


@contextmanager
def _version_base() -> Iterator[None]:
    """Set the version of Hydra's behaviour, which is global, inside this context."""
    instance = VersionBase.instance()
    before = instance.version_base
    version.setbase("1.3")
    try:
        yield
    finally:
        instance.version_base = before


def _full_key(config: DictConfig, name: str) -> str:
    """Return the full name of a key that may be given without its group."""
    if "." in name or (name in config and name not in _INTERNAL):
        return name
    groups = [group for group in _groups(config) if name in config[group]]
    if len(groups) > 1:
        keys = " or ".join(f"{group}.{name}" for group in groups)
        raise InputError(
            f"{name}: several groups have this key: give {keys}, as in "
            f'**{{"{groups[0]}.{name}": ...}}'
        )
    if not groups:
        raise _unknown(config, name)
    return f"{groups[0]}.{name}"


def _groups(config: DictConfig) -> list[str]:
    """Return the names of the groups of keys."""
    names = (str(name) for name in config if name not in _INTERNAL)
    return [name for name in names if isinstance(config._get_node(name), DictConfig)]


def _assign(config: DictConfig, key: str, value: Any) -> list[str]:
    """Set a key; a mapping sets the keys below it, unless there are none yet.

    Return the keys that were set.
    """
    node: Any = config
    *above, last = key.split(".")
    for name in above:
        node = node.get(name) if isinstance(node, DictConfig) and name in node else None
    if not isinstance(node, DictConfig) or last not in set(node) or key.split(".")[0] in _INTERNAL:
        raise _unknown(config, key)
    if isinstance(value, dict) and isinstance(node._get_node(last), DictConfig) and node[last]:
        return [one for name in value for one in _assign(config, f"{key}.{name}", value[name])]
    node[last] = value
    return [key]


def _unknown(config: DictConfig, name: str) -> InputError:
    top = [str(key) for key in config if key not in _INTERNAL]
    short = {str(key): f"{group}.{key}" for group in _groups(config) for key in config[group]}
    known = [*top, *_keys(config)] if "." in name else [*top, *short]
    return InputError(
        f"unknown keyword {shown(name)}{did_you_mean(name, known)}; keywords are the groups and "
        "keys that `seqtag train --help` lists"
    )


def _keys(config: DictConfig, above: str = "") -> Iterator[str]:
    """Yield the full names of all keys below the top level."""
    for name in config:
        key = f"{above}{name}"
        if above:
            yield key
        if key not in _INTERNAL and isinstance(node := config._get_node(name), DictConfig):
            yield from _keys(node, f"{key}.") if not node._is_none() else ()


def _plain(value: Any, name: str) -> Any:
    """Return a value as Python's own types: numbers, texts, lists and mappings."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part, name) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, name) for part in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # of numpy
        return _plain(value.tolist(), name)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(f"{name}: {shown(value)} is not a number, text, list or mapping of these")
