"""What a cell is: its layout and its step.

H hidden units, G gates. A cell has an input weight W (G*H, D), a bias b (G*H), recurrent weights
R and parameters with one value a unit (H). The names that a cell gives are the order of the
blocks of H rows, so they decide what a saved model means: never reorder them.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from seqtag.cells.fields import check_bias_start
from seqtag.errors import InputError

Values = Mapping[str, Any]


class Vector(NamedTuple):
    """A parameter with one value a unit, (H).

    start: the value that it starts at, unless `start_units` says otherwise.
    is_bias: a layer without biases is without it, and the step gets the number 0 in its place.
    """

    name: str
    start: float = 0.0
    is_bias: bool = False


class Product(NamedTuple):
    """A recurrent matrix R (G*H, H), and the previous state that it multiplies.

    gates: the blocks of rows of R, in order; where several products serve a gate, the step gets
        their sum.
    """

    state: str
    gates: tuple[str, ...]


class Cell(ABC):
    """A recurrent cell. Each is a frozen dataclass whose fields are its options.

    A subclass names its gates and states and writes `step`; everything that runs it follows.

    Attributes:
        starts: names of the fields that say only where biases start, as forget_bias and chrono:
            numbers, of which `chrono` is 0 (off) or a whole one of at least 3. They are checked
            here, and cells that differ in nothing else are of the same kind.
        meanings: what gates and states are, in words, by name; for titles.

    Raises:
        InputError: where one of them is not such a number.
    """

    # Set by `dataclass` in each subclass.
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    starts: ClassVar[tuple[str, ...]] = ()
    meanings: ClassVar[Mapping[str, str]] = {
        "i": "input gate",
        "f": "forget gate",
        "o": "output gate",
        "z": "cell input",
        "c": "memory",
        "h": "output",
    }

    def __init__(self, *values: Any, **options: Any) -> None:
        # A dataclass has an __init__ of its own.
        if values or options:
            raise InputError(
                f"{type(self).__name__} has no fields: write @dataclass(frozen=True) above the "
                "class, and in it each option with its type, as in: beta: float = 1.0"
            )

    def __post_init__(self) -> None:
        for name in self.starts:
            check_bias_start(name, getattr(self, name))

    @property
    @abstractmethod
    def gates(self) -> tuple[str, ...]:
        """Blocks of rows of W and of the bias, in order."""

    @property
    @abstractmethod
    def states(self) -> tuple[str, ...]:
        """States carried from step to step. The first is the output."""

    @property
    def products(self) -> tuple[Product, ...]:
        """The recurrent products of a step; () for a cell without R.

        Unless a cell says otherwise, R h' for every gate that is not an inner one.
        """
        gates = tuple(gate for gate in self.gates if gate not in self.inner_gates)
        return (Product(self.states[0], gates),) if gates else ()

    @property
    def inner_gates(self) -> tuple[str, ...]:
        """Blocks of rows of one more R that the step itself multiplies with what it will."""
        return ()

    @property
    def has_gate_bias(self) -> bool:
        """Whether b is added to W x. A cell that says no may have biases among its vectors."""
        return True

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Parameters with one value a unit."""
        return ()

    @property
    def initial_states(self) -> Mapping[str, float]:
        """States that do not start at 0 where none is given, and where they start."""
        return {}

    @property
    def untraceable(self) -> str | None:
        """Why `step` runs on tensors alone; None where it is elementwise arithmetic throughout."""
        return "a second product inside the step" if self.inner_gates else None

    def kept(self, values: Values) -> Any:
        """Return the share of its memory that a unit keeps at a step, or None.

        Args:
            values: every gate and state that the step names, as it was.

        Returns:
            The share, in 0..1, shaped as the values are; None for a cell without a gate for that.
        """
        return None

    def start_biases(self, bias: Values) -> None:  # noqa: B027  few cells need it
        """Set in place the biases (H) by gate, which are 0, to where they shall start."""

    def __str__(self) -> str:
        """Return the spec with those of its fields that are not as by default."""
        options: tuple[dataclasses.Field[Any], ...] = (
            dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        )
        values = {option.name: getattr(self, option.name) for option in options}
        changed = (f"{o.name}={values[o.name]!r}" for o in options if values[o.name] != o.default)
        return f"{type(self).__name__}({', '.join(changed)})"

    def start_units(self, unit: Values) -> None:  # noqa: B027  few cells need it
        """Set in place the parameters with one value a unit that do not all start alike.

        They are at their `Vector.start`; a layer without biases has none of those.
        """

    @abstractmethod
    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Advance one step.

        Args:
            wx: W_k x + b_k by gate k.
            rh: R_k s' by gate k, summed over the products; for an inner gate, the function that
                multiplies R_k with its argument.
            state: previous states by name.
            unit: parameters with one value a unit, by name.

        Returns:
            Every gate and every new state by name, each shaped as the states are. These are what
            a trace shows.
        """
