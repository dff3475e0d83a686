"""Long expressive memory: each unit learns its time steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from seqtag.cells.functions import sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import MEMORY, WalkStep
from seqtag.checks import Above, AtMost, checked


@register("lem")
@dataclass(frozen=True)
class Lem(Cell):
    """Long expressive memory: two states that move by learned time steps.

    With y' and z' (H) the previous states:

        d = dt sigmoid(W_d x + R_d y' + b_d)    e = dt sigmoid(W_e x + R_e y' + b_e)
        n = tanh(W_z x + R_z y' + b_z)          z = (1 - e) z' + e n
        y = (1 - d) y' + d tanh(W_y x + R_y z + b_y)

    W (4H, D), b (4H), blocks in the order d, e, z, y; R (3H, H), blocks d, e, z; R_y (H, H), which
    multiplies the new z, is separate. The output is y.

    Attributes:
        dt: the longest time step, at most 1.

    Raises:
        InputError: where dt is not above 0 and at most 1.

    Example:
        layer = Recurrent("lem", 100, 200)

    Source: Rusch et al. 2022, equation 3.
    """

    dt: float = 1.0

    gates: ClassVar[tuple[str, ...]] = ("d", "e", "z", "y")
    states: ClassVar[tuple[str, ...]] = ("y", "z")
    products: ClassVar[tuple[Product, ...]] = (Product("y", ("d", "e", "z")),)
    inner_gates: ClassVar[tuple[str, ...]] = ("y",)
    meanings: ClassVar[Mapping[str, str]] = {
        "d": "time step of the output",
        "e": "time step of the memory",
        "n": "candidate",
        "y": "output",
        "z": "memory",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "store",
            ("n",),
            "The candidate n is the value that the word offers to a unit's memory. How much of it "
            "is written is decided by the time step e.",
        ),
        WalkStep(
            "throw away",
            ("e",),
            "The time step e is the share of the memory that is replaced: 0 keeps all of it, 1 "
            "erases it. Each unit has a step of its own at each word.",
        ),
        WalkStep("update", ("z",), MEMORY.replace("state c", "state z"), ("z = (1 - e) z' + e n",)),
        WalkStep(
            "output",
            ("d", "y"),
            "The time step d is the share of the output y that is computed anew, from the word and "
            "from the memory. The rest of y stays as it was at the previous word.",
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        checked(self.dt, Annotated[float, Above(0), AtMost(1)], "dt")

    def kept(self, values: Values) -> Any:
        """Return 1 - time step of the memory."""
        return 1 - values["e"]

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the time steps and the new states."""
        d = self.dt * sigmoid(wx["d"] + rh["d"])
        e = self.dt * sigmoid(wx["e"] + rh["e"])
        n = tanh(wx["z"] + rh["z"])
        z = (1 - e) * state["z"] + e * n
        y = (1 - d) * state["y"] + d * tanh(wx["y"] + rh["y"](z))
        return {"d": d, "e": e, "n": n, "y": y, "z": z}
