"""The GRU family."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import WalkStep

MEANINGS = {**Cell.meanings, "r": "reset gate", "z": "update gate", "n": "candidate"}

_WALK = (
    WalkStep(
        "look back",
        ("r",),
        "The reset gate r decides how much of the previous output counts when the candidate is "
        "computed. Near 0, the candidate depends on the word alone.",
    ),
    WalkStep(
        "store",
        ("n",),
        "The candidate n is the value that the word offers to a unit. How much of it is written "
        "is decided by the update gate.",
    ),
    WalkStep(
        "throw away and update",
        ("z",),
        "The update gate z is the share of its old value that a unit keeps: 1 keeps all of it, 0 "
        "erases it. What it does not keep is replaced by the candidate, so forgetting and storing "
        "are one decision.",
    ),
    WalkStep(
        "output",
        ("h",),
        "A GRU has no memory apart from its output h: the labels and the next word see all of it. "
        "A colour that stays the same from word to word is a value that is held.",
        ("h = (1 - z) n + z h'",),
    ),
)


@register("gru")
@dataclass(frozen=True)
class Gru(Cell):
    """Gated recurrent unit, the reset gate applied after the recurrent product.

    With h' (H) the previous state:

        r = sigmoid(W_r x + R_r h' + b_r)    z = sigmoid(W_z x + R_z h' + b_z)
        n = tanh(W_n x + b_n + r (R_n h' + b'))
        h = (1 - z) n + z h'

    W (3H, D), R (3H, H), b (3H), blocks in the order r, z, n; b' (H) is `bias_recurrent`.

    Attributes:
        chrono: T_max, the longest span to remember in steps: b_z starts at log U(1, T_max - 1),
            because z is the share of h' that is kept. 0 is off, and b_z starts at 0.

    Example:
        layer = Recurrent("gru", 100, 200)
        layer = Recurrent(Gru(chrono=100), 100, 200)

    Source: Cho et al. 2014, in the form of torch and cuDNN, where r multiplies the product.
    Chrono from Tallec & Ollivier 2018.
    """

    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("chrono",)
    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    states: ClassVar[tuple[str, ...]] = ("h",)
    meanings: ClassVar[Mapping[str, str]] = MEANINGS
    vectors: ClassVar[tuple[Vector, ...]] = (Vector("bias_recurrent", is_bias=True),)
    walk: ClassVar[tuple[WalkStep, ...]] = _WALK

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the update gate, according to chrono."""
        start_keep_gate(bias["z"], 0.0, self.chrono)

    def kept(self, values: Values) -> Any:
        """Return the update gate."""
        return values["z"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        r = sigmoid(wx["r"] + rh["r"])
        z = sigmoid(wx["z"] + rh["z"])
        n = tanh(wx["n"] + r * (rh["n"] + unit["bias_recurrent"]))
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * state["h"]}


@register("gru_reset_before")
@dataclass(frozen=True)
class GruResetBefore(Gru):
    """Gated recurrent unit, the reset gate applied before the recurrent product.

    With h' (H) the previous state:

        r = sigmoid(W_r x + R_r h' + b_r)    z = sigmoid(W_z x + R_z h' + b_z)
        n = tanh(W_n x + R_n (r h') + b_n)
        h = (1 - z) n + z h'

    W (3H, D), b (3H), blocks in the order r, z, n; R (2H, H), blocks r, z; R_n (H, H) is separate.

    Attributes:
        chrono: as for `Gru`.

    Example:
        layer = Recurrent("gru_reset_before", 100, 200)

    Source: Cho et al. 2014, equations 5 to 8.
    """

    products: ClassVar[tuple[Product, ...]] = (Product("h", ("r", "z")),)
    inner_gates: ClassVar[tuple[str, ...]] = ("n",)
    vectors: ClassVar[tuple[Vector, ...]] = ()

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        r = sigmoid(wx["r"] + rh["r"])
        z = sigmoid(wx["z"] + rh["z"])
        n = tanh(wx["n"] + rh["n"](r * state["h"]))
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * state["h"]}
