"""The addition-subtraction twin-gated cell: the fewest parameters of all gated cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.functions import sigmoid
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values, Vector
from seqtag.cells.walk import FORGET, WHOLE_OUTPUT, WalkStep


@register("atr")
@dataclass(frozen=True)
class Atr(Cell):
    """Addition-subtraction twin-gated network: both gates from the same two products.

    With h' (H) the previous state:

        p = W x + b                q = R h' + b'
        i = sigmoid(p + q)         f = sigmoid(p - q)
        h = i p + f h'

    W (H, D), R (H, H), b (H), b' (H), which is `bias_recurrent`. The new content p is linear in x.

    Example:
        layer = Recurrent("atr", 100, 200)

    Source: Zhang et al. 2018, equations 8 to 12.
    """

    gates: ClassVar[tuple[str, ...]] = ("p",)
    states: ClassVar[tuple[str, ...]] = ("h",)
    meanings: ClassVar[Mapping[str, str]] = {**Cell.meanings, "p": "new content"}
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep("throw away", ("f",), FORGET),
        WalkStep(
            "store",
            ("i", "p"),
            "The new content p is the value that the word offers to a unit. The input gate i is "
            "the share of it that is written; it is large where content and memory agree.",
        ),
        WalkStep("update and output", ("h",), WHOLE_OUTPUT, ("h = i p + f h'",)),
    )
    vectors: ClassVar[tuple[Vector, ...]] = (Vector("bias_recurrent", is_bias=True),)

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        p = wx["p"]
        q = rh["p"] + unit["bias_recurrent"]
        i = sigmoid(p + q)
        f = sigmoid(p - q)
        return {"p": p, "i": i, "f": f, "h": i * p + f * state["h"]}
