"""Offer cells, probes and data formats of installed packages as options of Hydra's groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore

from seqtag.commands.help import ENTRY_POINTS
from seqtag.registry import installed

_CONFIG_DIR = ("--config-dir", "-cd")


def register_installed_options(arguments: Sequence[str]) -> None:
    """Register the parts of installed packages that the arguments name as options of their groups.

    Then ``cell=mine`` works without a file ``cell/mine.yaml``; such a file in a ``--config-dir``
    folder takes precedence. A package is imported only if the arguments name a part of it.

    Raises:
        InputError: if the package cannot be imported, or does not define the part.
    """
    for group, entry_points in ENTRY_POINTS.items():
        names = _values(arguments, group)
        # Reading the metadata of packages is slow.
        points = installed(entry_points) if names else {}
        for name in names:
            if name in points and (values := _values_of(group, name)) is not None:
                ConfigStore.instance().store(name, values, group, provider="installed package")


def _values_of(group: str, name: str) -> dict[str, Any] | None:
    """Return the configuration of a part of an installed package; None for a part of seqtag."""
    # Imported here, since composing a configuration without such a part must be fast.
    if group == "cell":
        from seqtag.cells import CELLS, describe

        if CELLS.distribution(name) is None:
            return None
        return {"name": name, **describe(CELLS[name].make())}
    if group == "probe":
        from seqtag.probes import PROBES

        PROBES[name]
        return None if PROBES.distribution(name) is None else {"defaults": ["_base"], "name": name}
    from seqtag.data.formats import FORMATS

    FORMATS[name]
    own = {"format": name, "encoding": "utf-8", "absent": "_"}
    return None if FORMATS.distribution(name) is None else {"defaults": ["_corpus"], **own}


def _values(arguments: Sequence[str], group: str) -> list[str]:
    """Return the distinct values that the arguments give to a group.

    Values with a file in a ``--config-dir`` folder are left out: Hydra would use a stored option
    of that name as the schema of the file.
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
        if not any((folder / group / f"{name}.yaml").is_file() for folder in own)
    ]
