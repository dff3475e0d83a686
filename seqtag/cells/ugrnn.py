"""The update gate network: one gate between a vanilla network and a GRU."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values
from seqtag.cells.walk import WalkStep, one_gate


@register("ugrnn")
@dataclass(frozen=True)
class Ugrnn(Cell):
    """Update gate recurrent network: the new state is a mean of the old one and a candidate.

    With a_k = W_k x + R_k h' + b_k and h' (H) the previous state:

        g = sigmoid(a_g)    z = tanh(a_z)
        h = g h' + (1 - g) z

    W (2H, D), R (2H, H), b (2H), blocks in the order g, z.

    Attributes:
        forget_bias: initial value of b_g; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_g starts at log U(1, T_max - 1),
            in place of forget_bias. 0 is off.

    Example:
        layer = Recurrent("ugrnn", 100, 200)

    Source: Collins, Sohl-Dickstein & Sussillo 2017, section 2. Chrono from Tallec & Ollivier 2018.
    """

    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("g", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "g": "update gate",
        "z": "candidate",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = one_gate("g", "z", "h = g h' + (1 - g) z", keeps=True)

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the update gate, according to forget_bias or chrono."""
        start_keep_gate(bias["g"], self.forget_bias, self.chrono)

    def kept(self, values: Values) -> Any:
        """Return the update gate."""
        return values["g"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        g = sigmoid(wx["g"] + rh["g"])
        z = tanh(wx["z"] + rh["z"])
        return {"g": g, "z": z, "h": g * state["h"] + (1 - g) * z}
