"""The LSTM with layer norm in each step."""

from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import layer_norm, sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values, Vector
from seqtag.cells.walk import FORGET, INPUT, MEMORY, OUTPUT, WalkStep


@register("lstm_layernorm")
@dataclass(frozen=True)
class LayerNormLstm(Cell):
    """Long short-term memory whose pre-activations and memory are normalised at each step.

    With LN the layer norm (mean 0, variance 1) and c', h' (H) the previous states:

        a = g LN(R h') + u LN(W x) + b     all four gates together: LN over 4H values
        i, f, o = sigmoid(a_i, a_f, a_o)   z = tanh(a_z)
        c = f c' + i z                     h = o tanh(v LN(c) + b_c)

    W (4H, D), R (4H, H), blocks in the order i, f, z, o. For each gate k of these, the gains g
    and u and the bias b are `gain_recurrent_k`, `gain_input_k` and `bias_k` (H); v and b_c (H)
    are `gain_cell` and `bias_cell`. The paper's two biases inside LN and its outer one only
    act as a sum, so there is one b. No bias is added to W x: LN would normalise both together.

    Attributes:
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias. 0 is off.

    Example:
        layer = Recurrent("lstm_layernorm", 100, 200)

    Source: Ba, Kiros & Hinton 2016, equations 20 to 22. Chrono from Tallec & Ollivier 2018.
    """

    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    has_gate_bias: ClassVar[bool] = False
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep("throw away", ("f",), FORGET),
        WalkStep("store", ("i", "z"), INPUT),
        WalkStep("update", ("c",), MEMORY, ("c = f c' + i z",)),
        WalkStep("output", ("o", "h"), OUTPUT),
    )

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Gains, which start at 1, and biases."""
        return (
            *(
                Vector(f"gain_{part}_{k}", 1.0)
                for part in ("input", "recurrent")
                for k in self.gates
            ),
            *(Vector(f"bias_{k}", is_bias=True) for k in self.gates),
            Vector("gain_cell", 1.0),
            Vector("bias_cell", is_bias=True),
        )

    def start_units(self, unit: Values) -> None:
        """Set the initial bias of the forget gate, according to forget_bias or chrono."""
        if "bias_f" not in unit:
            return
        start_keep_gate(unit["bias_f"], self.forget_bias, self.chrono)
        if self.chrono:
            unit["bias_i"].copy_(unit["bias_f"]).neg_()

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states."""
        read = layer_norm([wx[k] for k in self.gates])
        kept = layer_norm([rh[k] for k in self.gates])
        i, f, z, o = (
            unit[f"gain_input_{k}"] * x + unit[f"gain_recurrent_{k}"] * h + unit[f"bias_{k}"]
            for k, x, h in zip(self.gates, read, kept, strict=True)
        )
        i, f, z, o = sigmoid(i), sigmoid(f), tanh(z), sigmoid(o)
        c = f * state["c"] + i * z
        (norm,) = layer_norm([c])
        h = o * tanh(unit["gain_cell"] * norm + unit["bias_cell"])
        return {"i": i, "f": f, "z": z, "o": o, "c": c, "h": h}
