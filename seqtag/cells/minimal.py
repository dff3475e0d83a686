"""Cells that are linear in their state, so that a parallel scan can run them over time.

Their gates see only the input. There is no R.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import log_sigmoid, sigmoid
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import CANDIDATE, WalkStep

_OUTPUT = (
    "Memory and output are the same value h: what was kept plus what this word writes. The gates "
    "do not see it, so one layer alone cannot act on what it remembers."
)


@register("minlstm")
@dataclass(frozen=True)
class MinLstm(Cell):
    """The minimal LSTM: an input and a forget gate, normalised to sum to 1.

    With h' (H) the previous state:

        f = F / (F + I)    F = sigmoid(W_f x + b_f)
        i = I / (F + I)    I = sigmoid(W_i x + b_i)    z = W_z x + b_z
        h = f h' + i z

    W (3H, D), b (3H), blocks in the order f, i, z.

    With `signed` the cell can also turn the sign of its state, and the gates are independent:

        f = 2 sigmoid(W_f x + b_f) - 1    i = sigmoid(W_i x + b_i)

    A linear cell whose factors of h' are never negative cannot learn parity at every length.

    Attributes:
        signed: whether f is from -1 to 1, rather than from 0 to 1.
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias, so that f / i = F / I = exp(b_f) where x
            is 0. 0 is off.

    Example:
        layer = Recurrent("minlstm", 100, 200)

    Source: Feng et al. 2024, section 3.2, the normalised form. Chrono
    from Tallec & Ollivier 2018. The range from -1 to 1: Grazzi et al. 2024, equation 2 and
    theorem 1.
    """

    signed: bool = False
    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("f", "i", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)
    products: ClassVar[tuple[Product, ...]] = ()

    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("f",),
            "The forget gate f is the share of its old value that a unit keeps: 1 keeps all of "
            "it, 0 erases it. It depends on the word alone, not on what the unit remembers.",
        ),
        WalkStep(
            "store",
            ("i", "z"),
            f"{CANDIDATE}The share i of it that is written and the share f that is kept sum to 1.",
        ),
        WalkStep("update and output", ("h",), _OUTPUT, ("h = f h' + i z",)),
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the forget gate, according to forget_bias or chrono."""
        start_keep_gate(bias["f"], self.forget_bias, self.chrono)
        if self.chrono:
            bias["i"].copy_(bias["f"]).neg_()

    def kept(self, values: Values) -> Any:
        """Return the size of the forget gate."""
        return abs(values["f"]) if self.signed else values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        z = wx["z"]
        if self.signed:
            f = 2 * sigmoid(wx["f"]) - 1
            i = sigmoid(wx["i"])
            return {"f": f, "i": i, "z": z, "h": f * state["h"] + i * z}
        # F / (F + I) = sigmoid(log F - log I): where both underflow to 0, F / (F + I) is 0 / 0.
        odds = log_sigmoid(wx["f"]) - log_sigmoid(wx["i"])
        f = sigmoid(odds)
        i = sigmoid(-odds)
        return {"f": f, "i": i, "z": z, "h": f * state["h"] + i * z}


@register("mingru")
@dataclass(frozen=True)
class MinGru(Cell):
    """The minimal GRU: an update gate and a candidate.

    With h' (H) the previous state:

        z = sigmoid(W_z x + b_z)    n = W_n x + b_n
        h = (1 - z) h' + z n

    W (2H, D), b (2H), blocks in the order z, n. Here z is the share of the
    candidate; in `Gru` it is the share of h'.

    With `signed` the cell can also turn the sign of its state: h = (1 - 2 z) h' + z n.

    Attributes:
        signed: whether the factor of h' is from -1 to 1, rather than from 0 to 1.
        chrono: T_max, the longest span to remember in steps: b_z starts at -log U(1, T_max - 1),
            because 1 - z is the share of h' that is kept. 0 is off, and b_z starts at 0.

    Example:
        layer = Recurrent("mingru", 100, 200)

    Source: Feng et al. 2024, section 3.1. Chrono from Tallec & Ollivier 2018. The range from -1
    to 1: Grazzi et al. 2024, equation 2.
    """

    signed: bool = False
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("chrono",)
    gates: ClassVar[tuple[str, ...]] = ("z", "n")
    states: ClassVar[tuple[str, ...]] = ("h",)
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "z": "update gate",
        "n": "candidate",
    }
    products: ClassVar[tuple[Product, ...]] = ()

    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("z",),
            "The update gate z is the share of its old value that a unit replaces: 0 keeps all of "
            "it, 1 erases it. It depends on the word alone, not on what the unit remembers.",
        ),
        WalkStep(
            "store",
            ("n",),
            "The candidate n is the value that the word offers to a unit. The share z of it is "
            "written.",
        ),
        WalkStep("update and output", ("h",), _OUTPUT, ("h = (1 - z) h' + z n",)),
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the update gate, according to chrono."""
        if self.chrono:
            start_keep_gate(bias["z"], 0.0, self.chrono)
            bias["z"].neg_()

    def kept(self, values: Values) -> Any:
        """Return the size of the factor of the previous state."""
        return abs(1 - 2 * values["z"]) if self.signed else 1 - values["z"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        z = sigmoid(wx["z"])
        n = wx["n"]
        keep = 1 - 2 * z if self.signed else 1 - z
        return {"z": z, "n": n, "h": keep * state["h"] + z * n}
