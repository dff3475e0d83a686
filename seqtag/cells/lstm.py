"""The LSTM family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.spec import Cell, Values
from seqtag.errors import InputError


@dataclass(frozen=True)
class Lstm(Cell):
    """Long short-term memory with input, forget and output gate.

    With a_k = W_k x + R_k h' + b_k, and c', h' (H) the previous states:

        i = sigmoid(a_i)    f = sigmoid(a_f)    z = tanh(a_z)    o = sigmoid(a_o)
        c = f c' + i z      h = o tanh(c)

    W (4H, D), R (4H, H), b (4H), blocks in the order i, f, z, o.

    Attributes:
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.

    Raises:
        InputError: where forget_bias is not a finite number.

    Source: Hochreiter & Schmidhuber 1997; the forget gate from Gers, Schmidhuber & Cummins 2000.
    """

    forget_bias: float = 1.0

    def __post_init__(self) -> None:
        value = self.forget_bias
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise InputError(f"forget_bias must be a finite number, not {value!r}")

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")

    def initial_biases(self) -> Mapping[str, float]:
        """Return where b_f starts."""
        return {"f": self.forget_bias}

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        i = sigmoid(wx["i"] + rh["i"])
        f = sigmoid(wx["f"] + rh["f"])
        z = tanh(wx["z"] + rh["z"])
        o = sigmoid(wx["o"] + rh["o"])
        c = f * state["c"] + i * z
        return {"i": i, "f": f, "z": z, "o": o, "c": c, "h": o * tanh(c)}
