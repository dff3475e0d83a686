"""Parts of installed packages that a model needs: their names, and what offers each, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqtag.errors import InputError, shown
from seqtag.inputs import INPUTS
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders import ENCODERS
from seqtag.model.encoders.registry import encoder_name
from seqtag.registry import Registry


def packages_of(config: TaggerConfig) -> dict[str, str]:
    """Return the package of each part that is not seqtag's own: {"input suffix": "extra"}."""
    model = {"inputs": config.inputs, "encoder": config.encoder}
    packages = {f"{r.kind} {name}": r.distribution(name) for r, name in _parts(model)}
    return {part: package for part, package in packages.items() if package is not None}


def require_packages(model: Mapping[str, Any], packages: Any, path: Path) -> None:
    """Refuse a model that needs a part which no package here offers. Nothing named is imported.

    Args:
        model: the group `model` of the file.
        packages: what the file says about who offers the parts.
        path: the file.

    Raises:
        InputError: naming the part and the package.
    """
    if not isinstance(packages, Mapping):
        raise InputError(f"{path}: key 'packages' must be a group of keys, not {shown(packages)}")
    for registry, name in _parts(model):
        package = packages.get(f"{registry.kind} {name}")
        if package is not None and name not in registry.names():
            raise InputError(
                f"{path}: the {registry.kind} {shown(name)} is of the package {shown(package)}, "
                "which is not installed here, or no longer offers it"
            )


def _parts(model: Mapping[str, Any]) -> Iterator[tuple[Registry[Any], str]]:
    """Yield the parts that a model names, with the registry that each is looked up in."""
    inputs = model.get("inputs") or {}
    if isinstance(inputs, Mapping):
        yield from ((INPUTS, name) for name in inputs)
    yield ENCODERS, encoder_name(model.get("encoder"))
