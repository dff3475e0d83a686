"""The recurrent additive network: an LSTM whose new content does not see the state."""

from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import check_choice, start_keep_gate
from seqtag.cells.functions import identity, sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import FORGET, INPUT, MEMORY, WalkStep

ACTIVATIONS = {"tanh": tanh, "identity": identity}


@register("ran")
@dataclass(frozen=True)
class Ran(Cell):
    """Recurrent additive network: the memory is a weighted sum of linear inputs.

    With a_k = W_k x + R_k h' + b_k, and h', c' (H) the previous states:

        i = sigmoid(a_i)    f = sigmoid(a_f)    z = W_z x + b_z
        c = i z + f c'      h = g(c)

    W (3H, D), b (3H), blocks in the order i, f, z; R (2H, H), blocks i, f. In the paper z has no
    bias.

    Attributes:
        output_activation: g, "tanh" or "identity".
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias. 0 is off.

    Raises:
        InputError: for another output activation.

    Example:
        layer = Recurrent("ran", 100, 200)

    Source: Lee, Levy & Zettlemoyer 2017, section 2. Chrono from Tallec & Ollivier 2018.
    """

    output_activation: str = "tanh"
    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    products: ClassVar[tuple[Product, ...]] = (Product("h", ("i", "f")),)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("output_activation", self.output_activation, ACTIVATIONS)

    def start_biases(self, bias: Values) -> None:
        """Set the initial biases of the gates, according to forget_bias or chrono."""
        start_keep_gate(bias["f"], self.forget_bias, self.chrono)
        if self.chrono:
            bias["i"].copy_(bias["f"]).neg_()

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    @property
    def walk(self) -> tuple[WalkStep, ...]:
        """Forget gate, input gate and candidate, memory, output."""
        shown = "tanh(c)" if self.output_activation == "tanh" else "c"
        return (
            WalkStep("throw away", ("f",), FORGET),
            WalkStep("store", ("i", "z"), INPUT),
            WalkStep("update", ("c",), MEMORY, ("c = f c' + i z",)),
            WalkStep(
                "output",
                ("h",),
                "This cell has no output gate: the whole memory is visible at every word. Its "
                "candidate depends on the word alone, so the memory is a weighted sum of words.",
                (f"h = {shown}",),
            ),
        )

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        i = sigmoid(wx["i"] + rh["i"])
        f = sigmoid(wx["f"] + rh["f"])
        z = wx["z"]
        c = i * z + f * state["c"]
        return {"i": i, "f": f, "z": z, "h": ACTIVATIONS[self.output_activation](c), "c": c}
