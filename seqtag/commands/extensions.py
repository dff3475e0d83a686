"""Cells, probes and data formats of installed packages as options of configuration groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore

from seqtag.cells import CELLS, describe
from seqtag.data.formats import FORMATS
from seqtag.probes import PROBES
from seqtag.registry import Registry

_CONFIG_DIR = ("--config-dir", "-cd")


def offer_installed(arguments: Sequence[str]) -> None:
    """Make options of the parts of installed packages that the arguments name.

    ``cell=mine`` then works without a file ``cell/mine.yaml``; where there is one in a folder given
    by ``--config-dir``, it is taken. A package is imported only if the arguments name a part of it.

    Raises:
        InputError: if the package cannot be imported, or does not define what it offers.
    """
    for name in _named(arguments, "cell", CELLS):
        _store("cell", name, {"name": name, **describe(CELLS[name].make())})
    for name in _named(arguments, "probe", PROBES):
        PROBES[name]
        _store("probe", name, {"defaults": ["_base"], "name": name})
    for name in _named(arguments, "data", FORMATS):
        FORMATS[name]
        own = {"format": name, "encoding": "utf-8", "absent": "_"}
        _store("data", name, {"defaults": ["_corpus"], **own})


def _store(group: str, name: str, values: dict[str, Any]) -> None:
    ConfigStore.instance().store(name, values, group, provider="installed package")


def _named(arguments: Sequence[str], group: str, registry: Registry[Any]) -> list[str]:
    """Return the parts of installed packages that are values of a group, alone or among others.

    Those are left out that have a file in the user's own folder: Hydra would take a stored option
    of that name for the file's schema.
    """
    own = [Path(word) for flag, word in pairwise(arguments) if flag in _CONFIG_DIR]
    own += [Path(word.partition("=")[2]) for word in arguments if word.startswith("--config-dir=")]
    words = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key.lstrip("+").rpartition(".")[2] == group:
            words += re.findall(r"[\w-]+", value)
    return [
        name
        for name in dict.fromkeys(words)
        if name in registry.installed
        and not any((folder / group / f"{name}.yaml").is_file() for folder in own)
    ]
