"""Cells, probes and data formats of installed packages as options of configuration groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.config_store import ConfigStore

from seqtag.cells import CELLS, describe
from seqtag.data.formats import FORMATS
from seqtag.probes import PROBES


def offer_installed(arguments: Sequence[str]) -> None:
    """Make options of the parts of installed packages that the arguments name.

    ``cell=mine`` then works without a file ``cell/mine.yaml``; where there is one in a folder given
    by ``--config-dir``, it is taken. A package is imported only if the arguments name a part of it.

    Raises:
        InputError: if the package cannot be imported, or does not define what it offers.
    """
    store = ConfigStore.instance()
    for name in _named(arguments, "cell", CELLS.installed):
        node = {"name": name, **describe(CELLS[name].make())}
        store.store(name, node, "cell", provider=CELLS.distribution(name))
    for name in _named(arguments, "probe", PROBES.installed):
        PROBES[name]
        node = {"defaults": ["_base"], "name": name}
        store.store(name, node, "probe", provider=PROBES.distribution(name))
    for name in _named(arguments, "data", FORMATS.installed):
        node = {"defaults": ["_corpus"], "format": name, "encoding": "utf-8", "absent": "_"}
        store.store(name, node, "data", provider=FORMATS.distribution(name))


def _named(arguments: Sequence[str], group: str, names: Any) -> Iterator[str]:
    """Yield those of the names that are values of a group, alone or among others."""
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key.lstrip("+").rpartition(".")[2] == group:
            yield from (name for name in re.findall(r"[\w-]+", value) if name in names)
