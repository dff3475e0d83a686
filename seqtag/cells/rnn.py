"""Recurrences without gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.functions import relu, tanh
from seqtag.cells.spec import Cell, Values
from seqtag.errors import InputError, did_you_mean

ACTIVATIONS = {"tanh": tanh, "relu": relu}


@dataclass(frozen=True)
class Rnn(Cell):
    """The simple recurrent network.

        h = g(W x + R h' + b)

    with h' (H) the previous state, W (H, D), R (H, H), b (H).

    Attributes:
        activation: g, "tanh" or "relu".

    Raises:
        InputError: for another activation.

    Source: Elman 1990; with relu, Le, Jaitly & Hinton 2015.
    """

    activation: str = "tanh"

    def __post_init__(self) -> None:
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            hint = did_you_mean(self.activation, ACTIVATIONS)
            raise InputError(
                f"unknown activation {self.activation!r}{hint}; there are {', '.join(ACTIVATIONS)}"
            )

    gates: ClassVar[tuple[str, ...]] = ("a",)
    states: ClassVar[tuple[str, ...]] = ("h",)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        return {"h": ACTIVATIONS[self.activation](wx["a"] + rh["a"])}
