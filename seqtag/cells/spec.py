"""What a cell is: its layout and its step.

H hidden units, G gates. A cell has an input weight W (G*H, D), a recurrent weight R (G*H, H), a
bias b (G*H) and parameters with one value a unit (H). The names that a cell gives are the order of
the blocks of H rows, so they decide what a saved model means: never reorder them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

Values = Mapping[str, Any]


class Vector(NamedTuple):
    """A parameter with one value a unit, (H), which starts at 0.

    is_bias: a layer without biases is without it, and the step gets the number 0 in its place.
    """

    name: str
    is_bias: bool = False


class Cell(ABC):
    """A recurrent cell. Each is a frozen dataclass whose fields are its options.

    A subclass names its gates and states and writes `step`; everything that runs it follows.
    """

    @property
    @abstractmethod
    def gates(self) -> tuple[str, ...]:
        """Blocks of rows of W and of the bias, in order."""

    @property
    def recurrent_gates(self) -> tuple[str, ...]:
        """Blocks of rows of R, in order; () for a cell without R."""
        return self.gates

    @property
    @abstractmethod
    def states(self) -> tuple[str, ...]:
        """States carried from step to step. The first is the output and what R multiplies."""

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Parameters with one value a unit."""
        return ()

    def initial_biases(self) -> Mapping[str, float]:
        """Gates whose bias does not start at 0, and where it starts."""
        return {}

    @abstractmethod
    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Advance one step.

        Args:
            wx: W_k x + b_k by gate k.
            rh: R_k h' by recurrent gate k, h' the previous output.
            state: previous states by name.
            unit: parameters with one value a unit, by name.

        Returns:
            Every gate and every new state by name, each shaped as the states are. These are what
            a trace shows.
        """
