"""The registry of inputs, and the choice of inputs by the settings of a network."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from seqtag.errors import InputError, shown
from seqtag.inputs.base import Input
from seqtag.registry import Registry


class _Inputs(Registry[Input]):
    """A registry that sets `name` and `key` of each registered class."""

    def register(self, name: str, /, **options: Any) -> Callable[[Any], Any]:
        """Return a decorator that registers a subclass of `Input` as `name`."""
        store = super().register(name, **options)

        def named(cls: type[Input]) -> type[Input]:
            if not (isinstance(cls, type) and issubclass(cls, Input)):
                raise InputError(f"input {name!r}: {shown(cls)} is not a subclass of Input")
            cls.name = name
            cls.key = getattr(cls, "key", f"inputs.{name}")
            return store(cls)

        return named


INPUTS: Registry[Input] = _Inputs("input", __package__, __package__)
register = INPUTS.register


def standard_inputs() -> dict[str, type[Input]]:
    """Return the input classes of this package by name, in their fixed order."""
    own = [INPUTS[name].cls for name in INPUTS.names() if INPUTS.distribution(name) is None]
    standard = [cls for cls in own if cls.order is not None]
    return {cls.name: cls for cls in sorted(standard, key=lambda cls: cls.order)}


class InputChoices(Protocol):
    """Network settings that choose inputs: a field for each standard input, `inputs` for others."""

    @property
    def inputs(self) -> Mapping[str, Any] | None:
        """The options of the inputs from other packages, by name."""


def added_inputs(model: InputChoices) -> dict[str, Any]:
    """Return the options of the inputs that `model.inputs` names, in its order.

    Raises:
        InputError: for an unknown name or wrong options.
    """
    options = {}
    for name, value in (model.inputs or {}).items():
        cls = INPUTS[name].cls
        if cls.order is not None:
            raise InputError(f"model.inputs.{name}: set this input by its own key, model.{cls.key}")
        options[name] = cls.options(value)
    return options


def chosen_inputs(model: InputChoices) -> dict[str, Any]:
    """Return the options of all inputs that a network reads, in order.

    Raises:
        InputError: for an unknown name or wrong options in `model.inputs`.
    """
    standard = {
        name: cls.options(getattr(model, cls.key)) for name, cls in standard_inputs().items()
    }
    chosen = {name: options for name, options in standard.items() if options is not None}
    return chosen | added_inputs(model)
