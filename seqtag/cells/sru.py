"""The simple recurrent unit: no recurrent matrix, and a highway past the cell."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import CANDIDATE, MEMORY, WalkStep


@register("sru")
@dataclass(frozen=True)
class Sru(Cell):
    """Simple recurrent unit: a forget gate, and a reset gate between memory and input.

    With c' (H) the previous memory:

        f = sigmoid(W_f x + v_f c' + b_f)    r = sigmoid(W_r x + v_r c' + b_r)
        c = f c' + (1 - f) (W_z x + b_z)
        h = r c + (1 - r) alpha (W_s x + b_s)    alpha = sqrt(1 + 2 exp(highway_bias))

    W (4H, D), b (4H), blocks in the order f, r, z, s; v_f and v_r (H) are `memory_weight_f` and
    `memory_weight_r`. In the paper, W_s is the identity in layers whose input has H features, and
    z and s have no bias.

    Attributes:
        highway_bias: where b_r starts; it also sets alpha, which keeps the variance of x.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1).
            0 is off, and b_f starts at 0.

    Example:
        layer = Recurrent("sru", 100, 200)

    Source: Lei et al. 2018, equations 1 to 4 and section 3.2. Chrono from Tallec & Ollivier 2018.
    """

    highway_bias: float = 0.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("chrono",)
    gates: ClassVar[tuple[str, ...]] = ("f", "r", "z", "s")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    products: ClassVar[tuple[Product, ...]] = ()
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "r": "reset gate",
        "s": "highway input",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("f",),
            "The forget gate f is the share of its old memory that a unit keeps: 1 keeps all of "
            "it, 0 erases it. It depends on the word and on the unit's own memory only.",
        ),
        WalkStep(
            "store",
            ("z",),
            f"{CANDIDATE}The share of it that is written is 1 - f: a unit forgets exactly as much "
            "as it writes.",
        ),
        WalkStep("update", ("c",), MEMORY, ("c = f c' + (1 - f) z",)),
        WalkStep(
            "output",
            ("r", "s", "h"),
            "The reset gate r is the share of the memory in the output h. The rest is the highway "
            "input s, which comes from this word alone.",
        ),
    )
    vectors: ClassVar[tuple[Vector, ...]] = (Vector("memory_weight_f"), Vector("memory_weight_r"))

    def start_biases(self, bias: Values) -> None:
        """Set the initial biases of the gates, according to chrono and highway_bias."""
        start_keep_gate(bias["f"], 0.0, self.chrono)
        bias["r"].fill_(self.highway_bias)

    def start_units(self, unit: Values) -> None:
        """Draw v_f and v_r with mean 0 and variance 0.5."""
        for vector_H in unit.values():
            vector_H.uniform_(-math.sqrt(1.5), math.sqrt(1.5))

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        f = sigmoid(wx["f"] + unit["memory_weight_f"] * state["c"])
        r = sigmoid(wx["r"] + unit["memory_weight_r"] * state["c"])
        z, s = wx["z"], wx["s"]
        c = f * state["c"] + (1 - f) * z
        alpha = math.sqrt(1 + 2 * math.exp(self.highway_bias))
        return {"f": f, "r": r, "z": z, "s": s, "h": r * c + (1 - r) * (alpha * s), "c": c}
