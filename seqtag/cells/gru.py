"""The GRU family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.spec import Cell, Values, Vector


@dataclass(frozen=True)
class Gru(Cell):
    """Gated recurrent unit, the reset gate applied after the recurrent product.

    With h' (H) the previous state:

        r = sigmoid(W_r x + R_r h' + b_r)    z = sigmoid(W_z x + R_z h' + b_z)
        n = tanh(W_n x + b_n + r (R_n h' + b'))
        h = (1 - z) n + z h'

    W (3H, D), R (3H, H), b (3H), blocks in the order r, z, n; b' (H) is `bias_recurrent`.

    Source: Cho et al. 2014, in the form of torch and cuDNN: there r stands inside the product
    and z weighs the candidate.
    """

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    states: ClassVar[tuple[str, ...]] = ("h",)
    vectors: ClassVar[tuple[Vector, ...]] = (Vector("bias_recurrent", is_bias=True),)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        r = sigmoid(wx["r"] + rh["r"])
        z = sigmoid(wx["z"] + rh["z"])
        n = tanh(wx["n"] + r * (rh["n"] + unit["bias_recurrent"]))
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * state["h"]}
