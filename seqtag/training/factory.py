"""Objects that a configuration names by `_target_`, from a closed list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.errors import InputError
from seqtag.training.targets import Target

# What Lightning and torch raise against options, where an object is made of them.
_REFUSALS = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, OSError, MisconfigurationException),
)


def factory(target: Target) -> Callable[..., Any]:
    """Return a function that makes the object that `target` describes.

    Values are handed over as they are: a `_target_` further down names nothing.
    """
    module, _, name = target.name.rpartition(".")
    return partial(call, getattr(import_module(module), name), target.where, **target.options)


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
