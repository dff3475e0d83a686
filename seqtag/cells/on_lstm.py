"""The ordered-neurons LSTM: units are erased in order, so that some keep their memory longer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import cumulative_softmax, relu, sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values
from seqtag.cells.walk import MEMORY, OUTPUT, WalkStep


@register("on_lstm")
@dataclass(frozen=True)
class OnLstm(Cell):
    """Ordered-neurons LSTM: two master gates, which rise or fall from unit to unit.

    With h' and c' (H) the previous states and cumax(v) the running sum, over units, of softmax(v):

        a_k = W_k x + R_k h' + b_k
        m = cumax(a_m)                    n = 1 - cumax(a_n)
        i = n (1 - m (1 - sigmoid(a_i)))  f = m (1 - n (1 - sigmoid(a_f)))
        o = sigmoid(a_o)                  z = tanh(a_z)
        c = f c' + i z                    h = o tanh(c)

    W (6H, D), b (6H), R (6H, H), blocks in the order m, n, i, f, z, o. The first units are erased
    (m near 0) and written (n near 1) often, the last ones are kept.

    The paper writes the same gates with w = m n: f = w sigmoid(a_f) + (m - w), and i as
    w sigmoid(a_i) + (n - w). To save parameters, its units share the values of the master gates in
    chunks of 10. Here each unit has its own.

    Attributes:
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on. 0 in the
            authors' code.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias. 0 is off.

    Example:
        layer = Recurrent("on_lstm", 100, 200)

    Source: Shen et al. 2019, equations 9 to 14. Chrono from Tallec & Ollivier 2018.
    """

    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("m", "n", "i", "f", "z", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "m": "master forget gate",
        "n": "master input gate",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "order",
            ("m", "n"),
            "The master forget gate m rises from unit to unit, from near 0 to 1, and the master "
            "input gate n falls from 1 to 0. So a word erases and writes the first units before "
            "the last ones, and the last ones can keep their memory for long.",
        ),
        WalkStep(
            "throw away",
            ("f",),
            "The forget gate f is the share of its old memory that a unit keeps: 1 keeps all of "
            "it, 0 erases it. A gate of its own decides only where both master gates are open.",
        ),
        WalkStep(
            "store",
            ("i", "z"),
            "The candidate z is the value that the word offers to a unit's memory. The input gate "
            "i is the share of it that is written, again limited by the master gates.",
        ),
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
        a = {k: wx[k] + rh[k] for k in self.gates}
        # Rounding can lead a running sum above 1.
        m = 1 - relu(1 - cumulative_softmax(a["m"]))
        n = relu(1 - cumulative_softmax(a["n"]))
        i = n * (1 - m * (1 - sigmoid(a["i"])))
        f = m * (1 - n * (1 - sigmoid(a["f"])))
        z, o = tanh(a["z"]), sigmoid(a["o"])
        c = f * state["c"] + i * z
        return {"m": m, "n": n, "i": i, "f": f, "z": z, "o": o, "h": o * tanh(c), "c": c}
