"""Objects that the user's own configuration names by `_target_`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.errors import InputError
from seqtag.training.importable import arguments, check_options, import_class
from seqtag.training.targets import Target

# What Lightning and torch raise against options, where an object is made of them.
_REFUSALS = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, OSError, MisconfigurationException),
)


def factory(target: Target, base: type, first: int = 0, **offered: Any) -> Callable[..., Any]:
    """Return a function that makes the object that `target` describes.

    Values are handed over as they are: a `_target_` further down names nothing.

    Args:
        target: the full name of a class, and the options that it is called with.
        base: what the class is derived from.
        first: how many arguments the function will be called with.
        offered: further options, for a class that takes them and is not given them.

    Raises:
        InputError: if there is no such class, or it does not take these options.
    """
    cls = import_class(target.name, base, target.where)
    taken = {one.name for one in arguments(cls)}
    options = {name: value for name, value in offered.items() if name in taken} | target.options
    check_options(cls, options, first, target.where)
    return partial(call, cls, target.where, **options)


def call(cls: type, where: str, /, *arguments: Any, **options: Any) -> Any:
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
