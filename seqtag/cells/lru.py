"""The linear recurrent unit, whose units rotate and shrink their state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from seqtag.cells.fields import check_ring, start_squared_radii
from seqtag.cells.functions import cos, exp, sin
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import WalkStep
from seqtag.checks import Above, checked


@register("lru")
@dataclass(frozen=True)
class Lru(Cell):
    """Linear recurrent unit: a complex state per unit and step, without any gate.

    With s' (H) the previous complex state, as two real ones, h' + i c':

        lambda = exp(-exp(log_decay) + i exp(log_phase))
        s = lambda s' + exp(log_scale) ((W_z x + b_z) + i (W_w x + b_w))
        h = Re(s)    c = Im(s)

    W (2H, D), b (2H), blocks in the order z, w; `log_decay`, `log_phase` and `log_scale` (H) are
    nu, theta and gamma of the paper. There is no R. The output is h.

    In the paper the output is Re(C s) + D x, with a complex matrix C. Here C is left to the next
    layer, which sees h only: a factor per unit would be the same as another phase of W. In the
    paper W has no bias, and a block around the cell has a gated network and a residual connection.

    Attributes:
        min_radius: smallest initial size of lambda, which is drawn uniformly from the ring between
            two radii in the plane. The paper raises it to 0.9 for long sequences.
        max_radius: largest initial size of lambda.
        max_phase: initial phases of lambda are uniform from 0 to this; 6.28 is a full turn. The
            paper takes pi / 10 for long sequences.

    Raises:
        InputError: unless 0 <= min_radius < max_radius <= 1 and max_phase is above 0.

    Example:
        layer = Recurrent("lru", 100, 200)

    Source: Orvieto et al. 2023, section 3 and appendix A.
    """

    min_radius: float = 0.0
    max_radius: float = 1.0
    max_phase: float = 6.28

    starts: ClassVar[tuple[str, ...]] = ("min_radius", "max_radius", "max_phase")
    gates: ClassVar[tuple[str, ...]] = ("z", "w")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    products: ClassVar[tuple[Product, ...]] = ()
    vectors: ClassVar[tuple[Vector, ...]] = (
        Vector("log_decay"),
        Vector("log_phase"),
        Vector("log_scale"),
    )
    meanings: ClassVar[Mapping[str, str]] = {
        "z": "real part of the input",
        "w": "imaginary part of the input",
        "h": "real part of the state, the output",
        "c": "imaginary part of the state",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "store",
            ("z", "w"),
            "The word is written into each unit as a point of the plane, with the coordinates z "
            "and w. Nothing decides how much of it is written: the cell has no gates.",
        ),
        WalkStep(
            "turn and shrink",
            ("h", "c"),
            "Each unit holds a point, which at every word is turned by an angle of its own and "
            "drawn towards 0 by a factor of its own. The output h is one coordinate of the point; "
            "the other one, c, is not visible before it turns into h.",
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ring(self.min_radius, self.max_radius)
        checked(self.max_phase, Annotated[float, Above(0)], "max_phase")

    def start_units(self, unit: Values) -> None:
        """Draw the sizes and phases of lambda, and set the scale that keeps the size of s."""
        decay, phase, scale = (unit[vector.name] for vector in self.vectors)
        start_squared_radii(decay, self.min_radius, self.max_radius)
        scale.copy_(decay).neg_().add_(1).log_().mul_(0.5)
        decay.log_().mul_(-0.5).log_()
        phase.uniform_(0, self.max_phase).clamp_(min=1e-6).log_()

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the input and the new state, as real and imaginary parts."""
        z, w, h, c = wx["z"], wx["w"], state["h"], state["c"]
        size, phase = exp(-exp(unit["log_decay"])), exp(unit["log_phase"])
        real, imaginary = size * cos(phase), size * sin(phase)
        scale = exp(unit["log_scale"])
        return {
            "z": z,
            "w": w,
            "h": real * h - imaginary * c + scale * z,
            "c": imaginary * h + real * c + scale * w,
        }
