"""Recurrences without gates."""

from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import check_choice
from seqtag.cells.functions import relu, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import WalkStep

ACTIVATIONS = {"tanh": tanh, "relu": relu}
_NO_GATES = "This cell has no gates: a unit has no way to keep or to erase its value on its own. "


@register("rnn")
@register("rnn_relu", activation="relu")
@dataclass(frozen=True)
class Rnn(Cell):
    """The simple recurrent network.

        h = g(W x + R h' + b)

    with h' (H) the previous state, W (H, D), R (H, H), b (H).

    Attributes:
        activation: g, "tanh" or "relu".

    Raises:
        InputError: for another activation.

    Example:
        layer = Recurrent("rnn", 100, 200)
        layer = Recurrent(Rnn(activation="relu"), 100, 200)

    Source: Elman 1990; with relu, Le, Jaitly & Hinton 2015.
    """

    activation: str = "tanh"

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)

    gates: ClassVar[tuple[str, ...]] = ("a",)
    states: ClassVar[tuple[str, ...]] = ("h",)
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "update and output",
            ("h",),
            f"{_NO_GATES}At each word the output h of all units is computed anew, from the word "
            "and from the previous output of all units.",
        ),
    )

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the new state."""
        return {"h": ACTIVATIONS[self.activation](wx["a"] + rh["a"])}


@register("indrnn")
@dataclass(frozen=True)
class IndRnn(Cell):
    """Independently recurrent network: each unit sees only its own previous value.

        h = g(W x + u h' + b)

    with h' (H) the previous state, W (H, D), b (H); u (H) is `recurrent_weight`. There is no R:
    only the next layer combines units.

    u is drawn from U(0, 1): some units forget at once, others remember long. The paper draws from
    U(0, g^(1/T)), so that no gradient through h grows by more than g > 1 over T steps; U(0, 1)
    satisfies this for every T. The paper also keeps u in that range in training; here it is free.

    Attributes:
        activation: g, "relu" or "tanh".

    Raises:
        InputError: for another activation.

    Example:
        layer = Recurrent("indrnn", 100, 200)

    Source: Li et al. 2018.
    """

    activation: str = "relu"

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)

    gates: ClassVar[tuple[str, ...]] = ("a",)
    states: ClassVar[tuple[str, ...]] = ("h",)
    products: ClassVar[tuple[Product, ...]] = ()
    vectors: ClassVar[tuple[Vector, ...]] = (Vector("recurrent_weight"),)
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "update and output",
            ("h",),
            "This cell has no gates: each unit multiplies its previous value by a fixed weight and "
            "adds what the word says. A weight near 1 holds a value long, one near 0 forgets it.",
        ),
    )

    def start_units(self, unit: Values) -> None:
        """Draw u from U(0, 1)."""
        unit["recurrent_weight"].uniform_(0, 1)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the new state."""
        a = wx["a"] + unit["recurrent_weight"] * state["h"]
        return {"h": ACTIVATIONS[self.activation](a)}
