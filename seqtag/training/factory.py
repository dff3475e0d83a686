"""Objects that the user's own configuration names by `_target_`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.errors import InputError
from seqtag.training.importable import arguments, check_options, import_class
from seqtag.training.targets import target_options

# What Lightning and torch raise against options, where an object is made of them.
_REFUSALS = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, OSError, MisconfigurationException),
)


def factory(
    part: Mapping[str, Any],
    targets: Mapping[str, type],
    base: type,
    where: str,
    first: int = 0,
    **offered: Any,
) -> Callable[..., Any]:
    """Return a function that makes the object that `part` describes by its ``_target_``.

    Values are handed over as they are: a `_target_` further down names nothing.

    Args:
        part: ``_target_``, the full name of a class, and the options that it is called with.
        targets: the classes whose options are described, see `training.targets`.
        base: what the class is derived from.
        where: the configuration's name for the part, for messages.
        first: how many arguments the function will be called with.
        offered: further options, for a class that takes them and is not given them.

    Raises:
        InputError: if there is no such class, or it does not take these options.
    """
    target, options = target_options(part, targets, where)
    cls = import_class(target, base, where)
    taken = {one.name for one in arguments(cls)}
    options = {name: value for name, value in offered.items() if name in taken} | options
    check_options(cls, options, first, where)
    return partial(call, cls, where, **options)


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
