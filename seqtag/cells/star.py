"""The stackable recurrent cell, made for deep stacks of layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import start_keep_gate
from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import WalkStep, one_gate


@register("star")
@dataclass(frozen=True)
class Star(Cell):
    """Stackable recurrent cell: gradients keep their size through many layers.

    With h' (H) the previous state:

        k = sigmoid(W_k x + R_k h' + b_k)    z = tanh(W_z x + b_z)
        h = tanh((1 - k) h' + k z)

    W (2H, D), b (2H), blocks in the order k, z; R (H, H). k is the share of the candidate.

    This is the form of the paper; the authors' code computes another one.

    Attributes:
        chrono: T_max, the longest span to remember in steps: b_k starts at -log U(1, T_max - 1),
            because 1 - k is the share of h' that is kept. 0 is off, and b_k starts at 0.

    Example:
        layer = Recurrent("star", 100, 200)

    Source: Turkoglu et al. 2021, equation 11. Chrono from Tallec & Ollivier 2018.
    """

    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("chrono",)
    gates: ClassVar[tuple[str, ...]] = ("k", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)
    products: ClassVar[tuple[Product, ...]] = (Product("h", ("k",)),)
    meanings: ClassVar[Mapping[str, str]] = {**Cell.meanings, "k": "update gate", "z": "candidate"}
    walk: ClassVar[tuple[WalkStep, ...]] = one_gate(
        "k", "z", "h = tanh((1 - k) h' + k z)", keeps=False
    )

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the update gate, according to chrono."""
        if self.chrono:
            start_keep_gate(bias["k"], 0.0, self.chrono)
            bias["k"].neg_()

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        k = sigmoid(wx["k"] + rh["k"])
        z = tanh(wx["z"])
        return {"k": k, "z": z, "h": tanh((1 - k) * state["h"] + k * z)}
