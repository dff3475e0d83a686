"""The interface of a cell: the layout of its parameters, and its step.

H hidden units, G gates, D input features. A cell has an input weight W (G*H, D), a bias b (G*H),
recurrent weights R and parameters with one value per unit (H). The order of a cell's gates is the
order of the blocks of H rows in saved models: never reorder them.
"""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from seqtag.cells.fields import check_bias_start
from seqtag.cells.walk import WalkStep
from seqtag.errors import InputError, did_you_mean, shown

Values = Mapping[str, Any]


class Vector(NamedTuple):
    """A parameter with one value per unit, (H).

    start: the initial value, unless `start_units` sets another one.
    is_bias: whether a layer without biases leaves it out; the step then gets the number 0.
    per: "unit" for a parameter. Noise has masks in place of parameters, with one value per unit
        and "sequence", or per unit, sequence and "step"; they have no gradient.
    """

    name: str
    start: float = 0.0
    is_bias: bool = False
    per: str = "unit"


class Product(NamedTuple):
    """A recurrent matrix R (G*H, H), and the previous state that it multiplies.

    state: the name of that state.
    gates: the blocks of rows of R, in order. The step gets the sum of all products of a gate.
    heads: R is block-diagonal: each gate's block is cut into this many blocks of H / heads rows,
        which multiply their own H / heads units only. The parameter is then (G*H, H / heads).
    start: how R starts: "orthogonal" (each block), or "zero".
    """

    state: str
    gates: tuple[str, ...]
    heads: int = 1
    start: str = "orthogonal"


class Cell(ABC):
    """Base class of recurrent cells: frozen dataclasses whose fields are the cell's options.

    A subclass names its gates and states and defines `step`. Engines, compiled kernels, gradients
    and traces follow from these:

        @dataclass(frozen=True)
        class Leaky(Cell):
            rate: float = 1.0

            gates: ClassVar[tuple[str, ...]] = ("k", "z")
            states: ClassVar[tuple[str, ...]] = ("h",)

            def step(self, wx, rh, state, unit):
                k = sigmoid(self.rate * (wx["k"] + rh["k"]))
                return {"k": k, "h": k * state["h"] + (1 - k) * tanh(wx["z"] + rh["z"])}

        layer = Recurrent(Leaky(rate=0.5), 100, 200)

    `sigmoid` and `tanh` are those of `seqtag.cells.functions`.

    Attributes:
        counts_steps: whether the step reads `unit["step"]`: the number of the step, from 0, in the
            direction in which the sequence is read.
        starts: names of the fields that only set initial biases, such as forget_bias and chrono.
            Their values are numbers; `chrono` is 0 (off) or an integer of at least 3. Cells that
            differ only in these count as the same kind of cell.
        meanings: descriptions of gates and states by name, for titles.

    Raises:
        InputError: if a field in `starts` has an invalid value, and for a class without `step`,
            `gates` or `states`.
    """

    # Set by `dataclass` in each subclass.
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    counts_steps: ClassVar[bool] = False
    starts: ClassVar[tuple[str, ...]] = ()
    meanings: ClassVar[Mapping[str, str]] = {
        "i": "input gate",
        "f": "forget gate",
        "o": "output gate",
        "z": "cell input",
        "c": "memory",
        "h": "output",
    }

    def __new__(cls, *values: Any, **options: Any) -> Self:
        """Raise InputError for a class that is not complete, or for an unknown option."""
        if cls.__abstractmethods__:
            raise InputError(f"cell {cls.__name__}: {missing_parts(cls)}")
        fields = getattr(cls, "__dataclass_fields__", {})
        for name in options if fields else ():
            if name not in fields:
                raise InputError(f"cell {cls.__name__}: {no_option(cls, name)}")
        return super().__new__(cls)

    def __init__(self, *values: Any, **options: Any) -> None:
        # Dataclasses override this: only a class without fields gets here.
        if values or options:
            raise InputError(
                f"{type(self).__name__} has no fields: write @dataclass(frozen=True) above the "
                "class, and in it each option with its type, as in: beta: float = 1.0"
            )

    def __post_init__(self) -> None:
        name = type(self).__name__
        fields = type(self).__dataclass_fields__
        for start in as_names(self.starts, f"cell {name}: starts"):
            if start not in fields:
                raise InputError(f"cell {name}: starts: {no_option(type(self), start)}")
        for start in self.starts:
            check_bias_start(start, getattr(self, start))

    @property
    @abstractmethod
    def gates(self) -> tuple[str, ...]:
        """Names of the gates: blocks of rows of W and of the bias, in order."""

    @property
    @abstractmethod
    def states(self) -> tuple[str, ...]:
        """Names of the states that are carried from step to step. The first is the output."""

    @property
    def products(self) -> tuple[Product, ...]:
        """The recurrent products of a step; () for a cell without R.

        By default one product: R h' for all gates except inner ones.
        """
        gates = tuple(gate for gate in self.gates if gate not in self.inner_gates)
        return (Product(self.states[0], gates),) if gates else ()

    @property
    def inner_gates(self) -> tuple[str, ...]:
        """Blocks of rows of one more R, which the step multiplies with values that it computes."""
        return ()

    @property
    def has_gate_bias(self) -> bool:
        """Whether b is added to W x. A cell without it can have biases among its vectors."""
        return True

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Parameters with one value per unit."""
        return ()

    @property
    def initial_states(self) -> Mapping[str, float]:
        """Default initial values of the states that do not start at 0, by name."""
        return {}

    @property
    def unit_states(self) -> tuple[str, ...]:
        """The states with one value per unit, which pictures can show."""
        return self.states

    @property
    def size_multiple(self) -> int:
        """The number that the hidden size must be a multiple of."""
        return math.lcm(*(product.heads for product in self.products))

    def gate_size(self, gate: str, hidden_size: int) -> int:
        """Return the number of rows of W of a gate."""
        return hidden_size

    def state_shape(self, state: str, hidden_size: int) -> tuple[int, ...]:
        """Return the shape of a state of one sequence."""
        return (hidden_size,)

    def vector_shape(self, vector: str, hidden_size: int) -> tuple[int, ...]:
        """Return the shape of the parameter of one of `vectors`."""
        return (hidden_size,)

    @property
    def untraceable(self) -> str | None:
        """Why `step` only runs on tensors; None if it uses only `seqtag.cells.functions`."""
        return None

    def kept(self, values: Values) -> Any:
        """Return the share of its memory that a unit keeps at a step, or None.

        Args:
            values: every gate and state that the step returned, by name.

        Returns:
            The share, from 0 to 1, in the shape of the values; None for a cell without such a gate.
        """
        return None

    @property
    def walk(self) -> tuple[WalkStep, ...]:
        """What a step does, in order, in words for a reader: for pictures of the cell's values.

        Values that no step of it names are shown after these, without an explanation.
        """
        return ()

    def start_biases(self, bias: Values) -> None:  # noqa: B027  few cells need it
        """Set the initial biases in place: (H) by gate, 0 when this is called."""

    def __str__(self) -> str:
        """Return the class name and the fields that differ from their defaults."""
        options: tuple[dataclasses.Field[Any], ...] = (
            dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        )
        values = {option.name: getattr(self, option.name) for option in options}
        changed = (f"{o.name}={values[o.name]!r}" for o in options if values[o.name] != o.default)
        return f"{type(self).__name__}({', '.join(changed)})"

    def start_units(self, unit: Values) -> None:  # noqa: B027  few cells need it
        """Set, in place, initial values of vectors whose units start at different values.

        All are at their `Vector.start` when this is called. In a layer without biases, vectors that
        are biases are missing.
        """

    @abstractmethod
    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Advance one step.

        Args:
            wx: W_k x + b_k by gate k.
            rh: R_k s' by gate k, summed over the products; for an inner gate, a function that
                multiplies R_k with its argument.
            state: previous states by name.
            unit: parameters with one value per unit, by name.

        Returns:
            All new states and, for traces, gates by name, each in the shape of the states.
        """


def missing_parts(cls: type[Cell]) -> str:
    """Return which of `gates`, `states` and `step` a class lacks, as the text of an error."""
    examples = {
        "gates": 'gates = ("k", "z")',
        "states": 'states = ("h",)',
        "step": "def step(self, wx, rh, state, unit): ...",
    }
    lacking = sorted(cls.__abstractmethods__)
    written = " and ".join(examples[name] for name in lacking)
    return f"{' and '.join(lacking)} missing: write {written} in the class"


def no_option(cls: type[Cell], name: str) -> str:
    """Return the text of an error for a name that is not a field of the class."""
    if name in vars(Cell):
        return f"{name} is not an option"
    for base in cls.__mro__:
        if name in vars(base).get("__annotations__", {}):
            return f"write @dataclass(frozen=True) above the class, for its option {name}"
    if hasattr(cls, name):
        value = getattr(cls, name)
        kind = "TYPE" if callable(value) else type(value).__name__
        return f"{name} is not an option: annotate it, as in {name}: {kind} = {shown(value)}"
    fields = cls.__dataclass_fields__
    return (
        f"no option {name!r}{did_you_mean(name, fields)}; there are {', '.join(fields) or 'none'}"
    )


def as_names(value: Any, what: str) -> tuple[str, ...]:
    """Return a list or tuple of names as a tuple; raise InputError for anything else."""
    if isinstance(value, str):
        raise InputError(f"{what} is a single string; write ({value!r},)")
    if not isinstance(value, tuple | list) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{what} must be a tuple of names, not {shown(value)}")
    return tuple(value)
