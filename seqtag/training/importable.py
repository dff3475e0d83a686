"""Classes that a user's own configuration names: looked for without an import, then imported.

Only a configuration that the user composed comes here. What is read from a model folder, a
checkpoint, the hub or the record of a run names no class that is imported.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

from seqtag.errors import InputError, did_you_mean, shown


def require_module(target: object, known: Iterable[str], where: str) -> None:
    """Check that `target` is the full name of a class whose module is there; import nothing.

    `known` are names that may have been meant; `where` is the configuration's name for the part.

    Raises:
        InputError: if it is no such name, or there is no module of that name.
    """
    parts = target.split(".") if isinstance(target, str) else []
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise InputError(
            f"{where}: _target_ must be the full name of a class, as torch.optim.AdamW is, not "
            f"{shown(target)}{did_you_mean(target, known)}"
        )
    path: Iterable[str] | None = None
    for number, _ in enumerate(parts[:-1], 1):
        module = ".".join(parts[:number])
        path = _inside(module, path, outermost=number == 1)
        if path is None:
            raise InputError(
                f"{where}: _target_ {target}: there is no module {module}"
                f"{did_you_mean(target, known)}; is its package installed?"
            )


def _inside(module: str, path: Any, outermost: bool) -> Iterable[str] | None:
    """Return the places of the modules in a module; None where there is no such module."""
    if module in sys.modules:
        return getattr(sys.modules[module], "__path__", ())
    try:
        # `find_spec` would import the package that a module is in.
        spec = find_spec(module) if outermost else PathFinder.find_spec(module, list(path))
    except (ImportError, ValueError):
        return None
    return None if spec is None else spec.submodule_search_locations or ()


def import_class(target: str, base: type, where: str) -> type:
    """Return the class of that full name.

    Raises:
        InputError: if it cannot be imported, or is not a subclass of `base`.
    """
    module, _, name = target.rpartition(".")
    try:
        there = import_module(module)
    except Exception as error:
        raise InputError(
            f"{where}: {module} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    found = getattr(there, name, None)
    if found is None:
        raise InputError(f"{where}: {module} has no {name!r}{did_you_mean(name, vars(there))}")
    if not (isinstance(found, type) and issubclass(found, base)):
        raise InputError(
            f"{where}: _target_ {target} is not a class derived from "
            f"{base.__module__}.{base.__qualname__}"
        )
    return found


def check_options(cls: type, options: Collection[str], first: int, where: str) -> None:
    """Check the names of options against the signature of a class.

    The `first` arguments of it are given by the program.

    Raises:
        InputError: for one that it does not take, or one that it needs and is missing.
    """
    taken = arguments(cls)[first:]
    names = [one.name for one in taken if one.kind is not one.VAR_KEYWORD]
    for name in options:
        if name not in names and (len(names) == len(taken) or str(name).startswith("_")):
            raise InputError(f"{where}: unknown key {shown(name)}{did_you_mean(name, names)}")
    for one in taken:
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD and one.name not in options:
            raise InputError(f"{where}: key {one.name!r} is missing")


def arguments(cls: type) -> list[inspect.Parameter]:
    """Return what a class is called with, by name; also "**" where it takes any name."""
    parameters = inspect.signature(cls).parameters.values()
    return [one for one in parameters if one.kind is not one.VAR_POSITIONAL]
