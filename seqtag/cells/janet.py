"""JANET: an LSTM with only a forget gate."""

from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values
from seqtag.cells.walk import CANDIDATE, FORGET, WalkStep
from seqtag.checks import checked


@register("janet")
@dataclass(frozen=True)
class Janet(Cell):
    """JANET ("just another network"): only a forget gate, and the memory is the output.

    With a_k = W_k x + R_k h' + b_k and h' (H) the previous state:

        f = sigmoid(a_f)    i = 1 - sigmoid(a_f - beta)    z = tanh(a_z)
        h = f h' + i z

    W (2H, D), R (2H, H), b (2H), blocks in the order f, z. The paper's c is h.

    Attributes:
        beta: subtracted from a_f for i, so that for beta > 0 i is larger than 1 - f.
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1),
            in place of forget_bias. 0 is off.

    Raises:
        InputError: where beta is not a finite number.

    Example:
        layer = Recurrent("janet", 100, 200)
        layer = Recurrent(Janet(beta=0.5), 100, 200)

    Source: van der Westhuizen & Lasenby 2018.
    """

    beta: float = 1.0
    forget_bias: float = 1.0
    chrono: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        checked(self.beta, float, "beta")

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("f", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep("throw away", ("f",), FORGET),
        WalkStep(
            "store",
            ("i", "z"),
            f"{CANDIDATE}The share i of it that is written has no weights of its own: it is large "
            "where f is small.",
        ),
        WalkStep(
            "update and output",
            ("h",),
            "Memory and output are the same value h: what was kept plus what this word writes. "
            "The labels and the next word see all of it.",
            ("h = f h' + i z",),
        ),
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the forget gate, according to forget_bias or chrono."""
        start_keep_gate(bias["f"], self.forget_bias, self.chrono)

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        a = wx["f"] + rh["f"]
        f = sigmoid(a)
        # sigmoid(-v) equals 1 - sigmoid(v), but has no cancellation where f is nearly 1.
        i = sigmoid(self.beta - a)
        z = tanh(wx["z"] + rh["z"])
        return {"f": f, "i": i, "z": z, "h": f * state["h"] + i * z}
