"""The real-gated linear recurrent unit of Hawk and Griffin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.fields import check_ring, start_squared_radii
from seqtag.cells.functions import exp, log_sigmoid, sigmoid, sqrt, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import CANDIDATE, WHOLE_OUTPUT, WalkStep

# The recurrence gate scales the exponent of the decay between 0 and this.
_POWER = 8.0
# Keeps the derivative of the square root finite.
_TINY = 1e-30


@register("rg_lru")
@dataclass(frozen=True)
class RgLru(Cell):
    """Real-gated linear recurrent unit: a decay per unit, whose exponent the input sets.

    With h' (H) the previous state:

        r = sigmoid(W_r x + b_r)    i = sigmoid(W_i x + b_i)    z = W_z x + b_z
        f = sigmoid(retention)^(8 r)
        h = f h' + sqrt(1 - f^2) i z

    W (3H, D), b (3H), blocks in the order r, i, z; `retention` (H) is Lambda of the paper. There is
    no R. A unit that keeps more of its state writes less, so the size of h stays about the same.

    In the paper, x and h have the same size and z is x itself; W_r and W_i are block-diagonal there
    (in the code). Griffin's block around this cell (a convolution over four steps in front, and a
    second, gated branch) is left out. So is the rule of the code that the first step of a sequence
    has no factor sqrt(1 - f^2).

    With `signed` the cell can also turn the sign of its state: f = 2 sigmoid(retention)^(8 r) - 1.

    Attributes:
        signed: whether f is from -1 to 1, rather than from 0 to 1.
        min_radius: smallest initial sigmoid(retention), which is drawn uniformly from the ring
            between two radii in the plane, as in the authors' code. For f from 0.9 to 0.999 at
            r = 1, as the paper can be read, set the radii to 0.9869 and 0.999875.
        max_radius: largest initial sigmoid(retention).

    Raises:
        InputError: unless 0 <= min_radius < max_radius <= 1.

    Example:
        layer = Recurrent("rg_lru", 100, 200)

    Source: De et al. 2024, section 2.4. The range from -1 to 1: Grazzi et al. 2024,
    equation 2.
    """

    signed: bool = False
    min_radius: float = 0.9
    max_radius: float = 0.999

    starts: ClassVar[tuple[str, ...]] = ("min_radius", "max_radius")
    gates: ClassVar[tuple[str, ...]] = ("r", "i", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)
    products: ClassVar[tuple[Product, ...]] = ()
    vectors: ClassVar[tuple[Vector, ...]] = (Vector("retention"),)
    meanings: ClassVar[Mapping[str, str]] = {**Cell.meanings, "r": "recurrence gate"}
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("r", "f"),
            "The recurrence gate r sets how fast a unit forgets at this word: near 0 it keeps "
            "its value. The factor f is the share of the old value that is left, and each unit "
            "has a range of its own for it.",
        ),
        WalkStep(
            "store",
            ("i", "z"),
            f"{CANDIDATE}The input gate i is the share of it that is written, made smaller where "
            "the unit keeps much.",
        ),
        WalkStep("update and output", ("h",), WHOLE_OUTPUT, ("h = f h' + sqrt(1 - f f) i z",)),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ring(self.min_radius, self.max_radius)

    def start_units(self, unit: Values) -> None:
        """Draw sigmoid(retention) from the ring."""
        start_squared_radii(unit["retention"], self.min_radius, self.max_radius)
        unit["retention"].sqrt_().logit_()

    def kept(self, values: Values) -> Any:
        """Return the size of the factor of the previous state."""
        return abs(values["f"]) if self.signed else values["f"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new state."""
        r, i, z = sigmoid(wx["r"]), sigmoid(wx["i"]), wx["z"]
        rate = -_POWER * r * log_sigmoid(unit["retention"])
        decay = exp(-rate)
        # This is (1 - decay) / (1 + decay), without the difference: decay can be close to 1.
        lost = tanh(0.5 * rate)
        if self.signed:
            f = 2 * decay - 1
            scale = 2 * sqrt(decay * (1 + decay) * lost + _TINY)
        else:
            f = decay
            scale = (1 + decay) * sqrt(lost + _TINY)
        return {"r": r, "i": i, "z": z, "f": f, "h": f * state["h"] + scale * (i * z)}
