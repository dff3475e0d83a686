"""The minimal gated unit: a GRU with one gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import WalkStep, one_gate


@register("mgu")
@dataclass(frozen=True)
class Mgu(Cell):
    """Minimal gated unit: one gate is the reset gate and the update gate of a GRU.

    With h' (H) the previous state:

        f = sigmoid(W_f x + R_f h' + b_f)    n = tanh(W_n x + R_n (f h') + b_n)
        h = (1 - f) h' + f n

    W (2H, D), b (2H), blocks in the order f, n; R_f (H, H); R_n (H, H) is separate. f is the share
    of the candidate.

    Attributes:
        chrono: T_max, the longest span to remember in steps: b_f starts at -log U(1, T_max - 1),
            because 1 - f is the share of h' that is kept. 0 is off, and b_f starts at 0.

    Example:
        layer = Recurrent("mgu", 100, 200)

    Source: Zhou et al. 2016, equations 6a to 6c. Chrono from Tallec & Ollivier 2018.
    """

    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("chrono",)
    gates: ClassVar[tuple[str, ...]] = ("f", "n")
    states: ClassVar[tuple[str, ...]] = ("h",)
    meanings: ClassVar[Mapping[str, str]] = {**Cell.meanings, "f": "update gate", "n": "candidate"}
    walk: ClassVar[tuple[WalkStep, ...]] = one_gate("f", "n", "h = (1 - f) h' + f n", keeps=False)
    products: ClassVar[tuple[Product, ...]] = (Product("h", ("f",)),)
    inner_gates: ClassVar[tuple[str, ...]] = ("n",)

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the gate, according to chrono."""
        if self.chrono:
            start_keep_gate(bias["f"], 0.0, self.chrono)
            bias["f"].neg_()

    def kept(self, values: Values) -> Any:
        """Return 1 - update gate."""
        return 1 - values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        h = state["h"]
        f = sigmoid(wx["f"] + rh["f"])
        n = tanh(wx["n"] + rh["n"](f * h))
        return {"f": f, "n": n, "h": (1 - f) * h + f * n}
