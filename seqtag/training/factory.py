"""Objects that a configuration names by `_target_`, from a closed list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.errors import InputError
from seqtag.training.targets import target_options

# What Lightning and torch raise against options, where an object is made of them.
_REFUSALS = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, OSError, MisconfigurationException),
)


def factory(part: Mapping[str, Any], targets: Mapping[str, type], where: str) -> Callable[..., Any]:
    """Return a function that makes the object that `part` describes by its ``_target_``.

    `targets` are the names that are allowed, see `training.targets`; `where` is the configuration's
    name for the part, for messages.

    Values are handed over as they are: a `_target_` further down names nothing.
    """
    target, options = target_options(part, targets, where)
    module, _, name = target.rpartition(".")
    return partial(call, getattr(import_module(module), name), where, **options)


def call(cls: type, where: str, *arguments: Any, **options: Any) -> Any:
    """Return the object; an error that its options cause becomes an InputError that names them."""
    try:
        return cls(*arguments, **options)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        extra = where.rpartition(".")[2]
        raise InputError(
            f"{where}: a package is missing; pip install 'seqtag[{extra}]' ({error})"
        ) from error
    except _REFUSALS as error:
        raise InputError(f"{where}: {error}") from error
