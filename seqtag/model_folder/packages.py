"""Names of the installed packages whose cells, inputs and encoders a model folder needs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqtag.cells import CELLS
from seqtag.errors import InputError, shown
from seqtag.inputs import INPUTS
from seqtag.model.encoders import ENCODERS
from seqtag.registry import Registry


def packages_of(stored: Mapping[str, Any]) -> dict[str, str]:
    """Return the packages of the parts that do not belong to seqtag: {"cell mine": "extra"}.

    Args:
        stored: the content of ``config.json``.
    """
    packages = {f"{part.kind} {name}": part.distribution(name) for part, name in _parts(stored)}
    return {part: package for part, package in packages.items() if package is not None}


def require_packages(stored: Mapping[str, Any], path: Path) -> None:
    """Check that the packages of all parts are installed, by comparing names only.

    Raises:
        InputError: for a package that is not; the message names the part and the package.
    """
    for registry, name in _parts(stored):
        package = stored["packages"].get(f"{registry.kind} {name}")
        if package is not None and name not in registry:
            raise InputError(
                f"{path}: the {registry.kind} {shown(name)} belongs to the package "
                f"{shown(package)}, which is not installed: install that package"
            )


def _parts(stored: Mapping[str, Any]) -> Iterator[tuple[Registry[Any], str]]:
    """Yield the names of parts in a configuration, unchecked, each with its registry."""
    model = stored["model"]
    inputs, characters = model.get("inputs"), model.get("characters")
    named = [
        (CELLS, _name(stored["cell"])),
        (CELLS, characters.get("encoder") if isinstance(characters, Mapping) else None),
        (ENCODERS, _name(model.get("encoder"))),
        *((INPUTS, name) for name in (inputs if isinstance(inputs, Mapping) else ())),
    ]
    yield from ((registry, name) for registry, name in named if isinstance(name, str))


def _name(part: Any) -> Any:
    return part.get("name") if isinstance(part, Mapping) else part
