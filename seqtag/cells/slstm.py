"""sLSTM: exponential gates with a normaliser and a stabiliser against overflow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import exp, log_sigmoid, maximum, sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import CANDIDATE, OUTPUT, WalkStep
from seqtag.checks import Count


@register("slstm")
@dataclass(frozen=True)
class SLstm(Cell):
    """Scalar LSTM of xLSTM: an exponential input gate and a running normaliser.

    With a_k = W_k x + R_k h' + b_k and h', c', n', m' (H) the previous states:

        m = max(log sigmoid(a_f) + m', a_i)
        i = exp(a_i - m)    f = exp(log sigmoid(a_f) + m' - m)
        z = tanh(a_z)       o = sigmoid(a_o)
        c = f c' + i z      n = f n' + i         h = o c / n

    W (4H, D), R (4H, H), b (4H), blocks in the order i, f, z, o. m scales c and n by the
    same factor, so h does not depend on it, and no exponential exceeds 1. m starts at minus
    infinity: after the first step m is a_i and n is 1, and n never falls below 1. With heads, R is
    block-diagonal, (4H, H / heads): a unit sees those of its own head.

    Attributes:
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1),
            in place of forget_bias. 0 is off. b_i stays at 0: it would scale c and n by the
            same factor.
        heads: number of blocks on the diagonal of each gate's R; 1 for a full R.
        recurrent_start: how R starts: "orthogonal", or "zero" as in the authors' code.

    Example:
        layer = Recurrent("slstm", 100, 200)
        layer = Recurrent(SLstm(heads=4, recurrent_start="zero"), 100, 200)

    Source: Beck et al. 2024, section 2.2, equations 8 to 17, the forget gate a sigmoid. Chrono
    from Tallec & Ollivier 2018.
    """

    forget_bias: float = 1.0
    chrono: int = 0
    heads: Count = 1
    recurrent_start: Literal["orthogonal", "zero"] = "orthogonal"

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c", "n", "m")
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "n": "normaliser",
        "m": "stabiliser",
    }
    initial_states: ClassVar[Mapping[str, float]] = {"m": -math.inf}
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "scale",
            ("m",),
            "The stabiliser m is the largest exponent so far. It scales f and i by a common "
            "factor, so that no exponential overflows; the output does not depend on it.",
        ),
        WalkStep(
            "throw away",
            ("f",),
            "The forget gate f is the factor of the old memory. Together with the input gate it "
            "decides the share that is kept: where i is much larger than f, the old memory is "
            "erased.",
        ),
        WalkStep(
            "store",
            ("i", "z"),
            f"{CANDIDATE}The input gate i is an exponential, so one word can outweigh all "
            "words before it.",
        ),
        WalkStep(
            "update",
            ("c", "n"),
            "The memory c is what was kept plus what this word writes, and the normaliser n adds "
            "up the weights alone. The unit's value is c / n, a weighted mean of all candidates.",
            ("n = f n' + i", "c = f c' + i z"),
        ),
        WalkStep("output", ("o", "h"), OUTPUT, ("h = o c / n",)),
    )

    @property
    def products(self) -> tuple[Product, ...]:
        """R h' for all gates, in heads."""
        return (Product("h", self.gates, self.heads, self.recurrent_start),)

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the forget gate, according to forget_bias or chrono."""
        start_keep_gate(bias["f"], self.forget_bias, self.chrono)

    def kept(self, values: Values) -> Any:
        """Return f n' / n, the weight of the previous states in c / n."""
        return 1 - values["i"] / values["n"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the stabilised gates and the new states."""
        a_i = wx["i"] + rh["i"]
        a_f = log_sigmoid(wx["f"] + rh["f"]) + state["m"]
        m = maximum(a_f, a_i)
        i = exp(a_i - m)
        f = exp(a_f - m)
        z = tanh(wx["z"] + rh["z"])
        o = sigmoid(wx["o"] + rh["o"])
        c = f * state["c"] + i * z
        n = f * state["n"] + i
        return {"i": i, "f": f, "z": z, "o": o, "h": o * (c / n), "c": c, "n": n, "m": m}
