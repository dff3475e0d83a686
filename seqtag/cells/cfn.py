"""The chaos-free network: without input, every state falls to 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import FORGET, INPUT, WHOLE_OUTPUT, WalkStep


@register("cfn")
@dataclass(frozen=True)
class Cfn(Cell):
    """Chaos-free network: gated, but with dynamics that cannot be chaotic.

    With a_k = W_k x + R_k h' + b_k and h' (H) the previous state:

        f = sigmoid(a_f)    i = sigmoid(a_i)    z = tanh(W_z x + b_z)
        h = f tanh(h') + i z

    W (3H, D), b (3H), blocks in the order f, i, z; R (2H, H), blocks f, i. In the paper f and i
    are theta and eta.

    Attributes:
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias. 0 is off.

    Example:
        layer = Recurrent("cfn", 100, 200)

    Source: Laurent & von Brecht 2017, equations 4 to 6; there b_f starts at 1 and b_i at -1.
    Chrono from Tallec & Ollivier 2018.
    """

    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("f", "i", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)
    products: ClassVar[tuple[Product, ...]] = (Product("h", ("f", "i")),)
    meanings: ClassVar[Mapping[str, str]] = {**Cell.meanings, "z": "candidate"}
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep("throw away", ("f",), FORGET),
        WalkStep("store", ("i", "z"), INPUT),
        WalkStep("update and output", ("h",), WHOLE_OUTPUT, ("h = f tanh(h') + i z",)),
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial biases of the gates, according to forget_bias or chrono."""
        start_keep_gate(bias["f"], self.forget_bias, self.chrono)
        bias["i"].copy_(bias["f"]).neg_()

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        f = sigmoid(wx["f"] + rh["f"])
        i = sigmoid(wx["i"] + rh["i"])
        z = tanh(wx["z"])
        return {"f": f, "i": i, "z": z, "h": f * tanh(state["h"]) + i * z}
