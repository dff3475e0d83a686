"""The coupled oscillatory network: units are damped oscillators that drive each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.functions import tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values
from seqtag.cells.walk import WalkStep
from seqtag.checks import Positive, checked


@register("cornn")
@dataclass(frozen=True)
class CoRnn(Cell):
    """Coupled oscillatory network: gradients neither vanish nor explode for a small time step.

    With y' (H) the previous position and v' (H) the previous velocity of each oscillator:

        v = v' + dt (tanh(W x + R_y y' + R_v v' + b) - gamma y' - epsilon v')
        y = y' + dt v

    W (H, D), R_y and R_v (H, H), b (H). The output is y. dt, gamma and epsilon have to be chosen
    for each task.

    Attributes:
        dt: the time step.
        gamma: the frequency of the oscillators, squared.
        epsilon: the damping.

    Raises:
        InputError: for a value that is not positive.

    Example:
        layer = Recurrent(CoRnn(dt=0.01), 100, 200)

    Source: Rusch & Mishra 2021, equation 3, with the damping explicit.
    """

    dt: float = 0.05
    gamma: float = 1.0
    epsilon: float = 1.0

    gates: ClassVar[tuple[str, ...]] = ("a",)
    states: ClassVar[tuple[str, ...]] = ("y", "v")
    products: ClassVar[tuple[Product, ...]] = (Product("y", ("a",)), Product("v", ("a",)))
    meanings: ClassVar[Mapping[str, str]] = {"a": "drive", "y": "output", "v": "velocity"}
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "drive",
            ("a",),
            "This cell has no gates: each unit is a swinging mass. The drive a is the force that "
            "the word and all other units apply to it.",
        ),
        WalkStep(
            "update and output",
            ("v", "y"),
            "The velocity v changes by the drive, by a spring and by friction. The output y is the "
            "position of the mass; what a unit remembers is in both.",
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("dt", "gamma", "epsilon"):
            checked(getattr(self, name), Positive, name)

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the drive and the new states."""
        a = tanh(wx["a"] + rh["a"])
        force = a - self.gamma * state["y"] - self.epsilon * state["v"]
        v = state["v"] + self.dt * force
        return {"a": a, "y": state["y"] + self.dt * v, "v": v}
