"""Bistable recurrent cells, whose units can keep a value for any number of steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import WalkStep, one_gate

MEANINGS = {**Cell.meanings, "r": "feedback gate", "z": "update gate", "n": "candidate"}


@register("brc")
@dataclass(frozen=True)
class Brc(Cell):
    """Bistable recurrent cell: each unit sees only its own previous value.

    With h' (H) the previous state:

        r = 1 + tanh(W_r x + u_r h' + b_r)    z = sigmoid(W_z x + u_z h' + b_z)
        n = tanh(W_n x + r h' + b_n)
        h = z h' + (1 - z) n

    W (3H, D), b (3H), blocks in the order r, z, n; u_r and u_z (H) are `feedback_weight_r` and
    `feedback_weight_z`. There is no R. While r is above 1, a unit without input has two stable
    values, and stays at the one that it is near to.

    Attributes:
        chrono: T_max, the longest span to remember in steps: b_z starts at log U(1, T_max - 1),
            because z is the share of h' that is kept. 0 is off, and b_z starts at 0.

    Example:
        layer = Recurrent("brc", 100, 200)

    Source: Vecoven, Ernst & Drion 2021, equations 4 to 6. Chrono from Tallec & Ollivier 2018.
    """

    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("chrono",)
    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    states: ClassVar[tuple[str, ...]] = ("h",)
    meanings: ClassVar[Mapping[str, str]] = MEANINGS
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "look back",
            ("r",),
            "The feedback gate r is how strongly a unit's own value enters its candidate. Above 1 "
            "the unit has two stable values, and holds one of them without an update gate.",
        ),
        *one_gate("z", "n", "h = z h' + (1 - z) n", keeps=True),
    )
    products: ClassVar[tuple[Product, ...]] = ()
    vectors: ClassVar[tuple[Vector, ...]] = (
        Vector("feedback_weight_r", start=1.0),
        Vector("feedback_weight_z", start=1.0),
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the update gate, according to chrono."""
        start_keep_gate(bias["z"], 0.0, self.chrono)

    def kept(self, values: Values) -> Any:
        """Return the update gate."""
        return values["z"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        h = state["h"]
        r = 1 + tanh(wx["r"] + unit["feedback_weight_r"] * h)
        z = sigmoid(wx["z"] + unit["feedback_weight_z"] * h)
        n = tanh(wx["n"] + r * h)
        return {"r": r, "z": z, "n": n, "h": z * h + (1 - z) * n}


@register("nbrc")
@dataclass(frozen=True)
class NeuromodulatedBrc(Brc):
    """Neuromodulated bistable recurrent cell: its gates see the whole previous state.

    As `Brc`, with matrices in place of u_r and u_z:

        r = 1 + tanh(W_r x + R_r h' + b_r)    z = sigmoid(W_z x + R_z h' + b_z)
        n = tanh(W_n x + r h' + b_n)
        h = z h' + (1 - z) n

    W (3H, D), b (3H), blocks in the order r, z, n; R (2H, H), blocks r, z.

    Attributes:
        chrono: as for `Brc`.

    Example:
        layer = Recurrent("nbrc", 100, 200)

    Source: Vecoven, Ernst & Drion 2021, section 3.2.
    """

    products: ClassVar[tuple[Product, ...]] = (Product("h", ("r", "z")),)
    vectors: ClassVar[tuple[Vector, ...]] = ()

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        h = state["h"]
        r = 1 + tanh(wx["r"] + rh["r"])
        z = sigmoid(wx["z"] + rh["z"])
        n = tanh(wx["n"] + r * h)
        return {"r": r, "z": z, "n": n, "h": z * h + (1 - z) * n}
