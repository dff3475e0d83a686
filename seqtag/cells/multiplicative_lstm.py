"""The multiplicative LSTM: the input chooses how the previous state acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import FORGET, INPUT, MEMORY, OUTPUT, WalkStep


@register("multiplicative_lstm")
@dataclass(frozen=True)
class MultiplicativeLstm(Cell):
    """Multiplicative LSTM: an LSTM that sees m, a product of input and state, in place of h'.

    With h' and c' (H) the previous states:

        m = (W_m x + b_m) (R_m h')        a_k = W_k x + R_k m + b_k
        i, f, o = sigmoid(a_i, a_f, a_o)  z = tanh(a_z)
        c = f c' + i z                    h = o tanh(c)

    W (5H, D), b (5H), blocks in the order m, i, f, z, o; R_m (H, H); R (4H, H), blocks
    i, f, z, o, is separate. In the paper m has no bias.

    Attributes:
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias. 0 is off.

    Example:
        layer = Recurrent("multiplicative_lstm", 100, 200)

    Source: Krause et al. 2016, equations 16 to 20. Chrono from Tallec & Ollivier 2018.
    """

    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("m", "i", "f", "z", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    products: ClassVar[tuple[Product, ...]] = (Product("h", ("m",)),)
    inner_gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    meanings: ClassVar[Mapping[str, str]] = {**Cell.meanings, "m": "intermediate state"}
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "combine",
            ("m",),
            "The intermediate state m is the product of what the word and the previous output say. "
            "All gates see it in place of the previous output, so each word has a transition of "
            "its own.",
        ),
        WalkStep("throw away", ("f",), FORGET),
        WalkStep("store", ("i", "z"), INPUT),
        WalkStep("update", ("c",), MEMORY, ("c = f c' + i z",)),
        WalkStep("output", ("o", "h"), OUTPUT, ("h = o tanh(c)",)),
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial biases of the gates, according to forget_bias or chrono."""
        start_keep_gate(bias["f"], self.forget_bias, self.chrono)
        if self.chrono:
            bias["i"].copy_(bias["f"]).neg_()

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        m = wx["m"] * rh["m"]
        i = sigmoid(wx["i"] + rh["i"](m))
        f = sigmoid(wx["f"] + rh["f"](m))
        z = tanh(wx["z"] + rh["z"](m))
        o = sigmoid(wx["o"] + rh["o"](m))
        c = f * state["c"] + i * z
        return {"m": m, "i": i, "f": f, "z": z, "o": o, "h": o * tanh(c), "c": c}
