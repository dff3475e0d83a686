"""Create the objects that a user's configuration names by `_target_`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.errors import InputError
from seqtag.training.importable import accepted_parameters, check_options, import_class
from seqtag.training.targets import Target

# Exceptions that constructors of Lightning and torch raise for invalid options.
_OPTION_ERRORS = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, OSError, MisconfigurationException),
)


def factory(target: Target, base: type, positional: int = 0, **extra: Any) -> Callable[..., Any]:
    """Return a factory for the object that `target` describes.

    Options are passed on unchanged: a `_target_` inside an option is plain data.

    Args:
        target: the full name of a class, and its options.
        base: a base class that the class must have.
        positional: number of positional arguments that the factory will be called with.
        extra: options for classes that accept them; options of `target` take precedence.

    Raises:
        InputError: if there is no such class, or it does not accept these options.

    Example::

        make_optimizer = factory(settings.optimizer, torch.optim.Optimizer, positional=1)
        optimizer = make_optimizer(network.parameters())
    """
    cls = import_class(target.name, base, target.where)
    accepted = {parameter.name for parameter in accepted_parameters(cls)}
    options = {name: value for name, value in extra.items() if name in accepted} | target.options
    check_options(cls, options, positional, target.where)
    return partial(instantiate, cls, target.where, **options)


def instantiate(cls: type, where: str, /, *arguments: Any, **options: Any) -> Any:
    """Return `cls(*arguments, **options)`.

    Raises:
        InputError: if the options are invalid or a package is missing; it names the key `where`.
    """
    try:
        return cls(*arguments, **options)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        name = where.rpartition(".")[2]
        raise InputError(
            f"{where}: a package is missing; pip install 'seqtag[{name}]' ({error})"
        ) from error
    except _OPTION_ERRORS as error:
        raise InputError(f"{where}: {error}") from error
