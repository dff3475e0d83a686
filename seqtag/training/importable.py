"""Find, import and check the classes that a user's configuration names by `_target_`.

Classes are imported only for a configuration that the user composed. A class name in a model
folder, a checkpoint, a data set of the hub or the record of a run is never imported.
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
    """Check that `target` is a full class name and its module exists, without importing it.

    Args:
        target: the value of a `_target_`.
        known: class names to suggest if the module does not exist.
        where: the configuration key, for messages.

    Raises:
        InputError: if it is not such a name, or the module does not exist.
    """
    parts = target.split(".") if isinstance(target, str) else []
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise InputError(
            f"{where}: _target_ must be the full name of a class, such as torch.optim.AdamW, not "
            f"{shown(target)}{did_you_mean(target, known)}"
        )
    path: Iterable[str] | None = None
    for number, _ in enumerate(parts[:-1], 1):
        module = ".".join(parts[:number])
        path = _submodule_paths(module, path, outermost=number == 1)
        if path is None:
            raise InputError(
                f"{where}: _target_ {target}: there is no module {module}"
                f"{did_you_mean(target, known)}; is its package installed?"
            )


def _submodule_paths(module: str, path: Any, outermost: bool) -> Iterable[str] | None:
    """Return the search path for submodules of a module; None if the module does not exist."""
    if module in sys.modules:
        return getattr(sys.modules[module], "__path__", ())
    try:
        # For a submodule, `find_spec` would import its package.
        spec = find_spec(module) if outermost else PathFinder.find_spec(module, list(path))
    except (ImportError, ValueError):
        return None
    return None if spec is None else spec.submodule_search_locations or ()


def import_class(target: str, base: type, where: str) -> type:
    """Import and return the class with the full name `target`.

    Raises:
        InputError: if it cannot be imported, or is not a subclass of `base`.
    """
    module, _, name = target.rpartition(".")
    try:
        imported = import_module(module)
    except Exception as error:
        raise InputError(
            f"{where}: {module} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    cls = getattr(imported, name, None)
    if cls is None:
        raise InputError(f"{where}: {module} has no {name!r}{did_you_mean(name, vars(imported))}")
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise InputError(
            f"{where}: _target_ {target} is not a class derived from "
            f"{base.__module__}.{base.__qualname__}"
        )
    return cls


def check_options(cls: type, options: Collection[str], positional: int, where: str) -> None:
    """Check the names of options against the constructor of a class.

    The first `positional` parameters are passed by the program, and are not options.

    Raises:
        InputError: for an unknown option, or a required one that is missing.
    """
    accepted = accepted_parameters(cls)[positional:]
    named = [parameter for parameter in accepted if parameter.kind is not parameter.VAR_KEYWORD]
    names = [parameter.name for parameter in named]
    for name in options:
        if name not in names and (len(names) == len(accepted) or str(name).startswith("_")):
            raise InputError(f"{where}: unknown key {shown(name)}{did_you_mean(name, names)}")
    for parameter in named:
        if parameter.default is parameter.empty and parameter.name not in options:
            raise InputError(f"{where}: key {parameter.name!r} is missing")


def accepted_parameters(cls: type) -> list[inspect.Parameter]:
    """Return the constructor's parameters that can be passed by name, including ``**options``."""
    parameters = inspect.signature(cls).parameters.values()
    return [one for one in parameters if one.kind is not one.VAR_POSITIONAL]
