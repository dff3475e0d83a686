"""The interface of cells whose state is a matrix for each head.

Such a cell reads the input alone, and its state is linear in the previous one. So the states and
outputs of a whole chunk of steps can be computed by a few matrix products.

B batch, A heads, E features of a head (H / A), L steps of a chunk; ... is any leading axes.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from seqtag.cells.linear import MatrixKernel
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.checks import AtLeast, AtMost, Count

_CONVOLUTION, _PAST = "convolution", "past"


@dataclass(frozen=True)
class MatrixCell(Cell):
    """Base class of cells with a matrix state, run step by step or in chunks.

    The layer computes W x + b for all steps and cuts it into gates by `gate_shape`. Then

        values = cell.prepare(wx, unit)              all steps at once
        o, state = cell.advance(values, state)       one step, or
        o, state = cell.advance_chunk(values, state) a chunk of steps, with the same result
        h = cell.finish(o, values, unit)             all steps at once

    or, with a compiled kernel for all of this,

        h, state = cell.advance_all(wx, unit, state, kernel)

    The first state is the output h, as in every cell; the next step does not read it.

    Attributes:
        heads: A; they share the units equally.
        chunk: number of steps that the engine `chunked` computes together. It does not change the
            results beyond rounding.
        convolution: number of steps that a causal convolution over W x reads, separately for
            each row of the gates `convolved`; 0 is off.
        convolved: the gates that the convolution applies to.
        output_values: the values of `prepare` that only `finish` reads.
        neutral: the values of `prepare` with which a step leaves the state as it is, by name.
    """

    heads: Count = 4
    chunk: Count = 64
    convolution: Annotated[int, AtLeast(0), AtMost(64)] = 0

    convolved: ClassVar[tuple[str, ...]] = ("q", "k", "v")
    output_values: ClassVar[tuple[str, ...]] = ("o",)
    neutral: ClassVar[Mapping[str, float]]
    products: ClassVar[tuple[Product, ...]] = ()
    unit_states: ClassVar[tuple[str, ...]] = ("h",)
    untraceable: ClassVar[str] = "its state is a matrix"

    @property
    @abstractmethod
    def matrix_states(self) -> tuple[str, ...]:
        """Names of the states besides the output."""

    @property
    def states(self) -> tuple[str, ...]:
        """The output, the matrix states and, with a convolution, the steps that it reads."""
        return ("h", *self.matrix_states, *((_PAST,) if self.convolution > 1 else ()))

    @property
    def size_multiple(self) -> int:
        """The number of heads."""
        return self.heads

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """The gain of the output's normalisation, and the convolution's weights."""
        more = (Vector(_CONVOLUTION),) if self.convolution else ()
        return (Vector("gain", start=1.0), *more)

    @abstractmethod
    def gate_shape(self, gate: str, hidden_size: int) -> tuple[int, ...]:
        """Return the shape of a gate at one step: (A, E); or (A), one value per head."""

    def gate_size(self, gate: str, hidden_size: int) -> int:
        """Return the number of rows of W of a gate."""
        return math.prod(self.gate_shape(gate, hidden_size))

    def convolved_size(self, hidden_size: int) -> int:
        """Return the number of rows of W whose values are convolved; they are the first rows."""
        return sum(self.gate_size(gate, hidden_size) for gate in self.convolved)

    def state_shape(self, state: str, hidden_size: int) -> tuple[int, ...]:
        """Return the shape of a state of one sequence."""
        if state == _PAST:
            return (self.convolution - 1, self.convolved_size(hidden_size))
        return (hidden_size,)

    def vector_shape(self, vector: str, hidden_size: int) -> tuple[int, ...]:
        """Return the shape of a parameter."""
        if vector == _CONVOLUTION:
            return (self.convolved_size(hidden_size), self.convolution)
        return (hidden_size,)

    def start_units(self, unit: Values) -> None:
        """Draw the convolution's weights from U(-1, 1) / sqrt(width)."""
        if _CONVOLUTION in unit:
            bound = self.convolution**-0.5
            unit[_CONVOLUTION].uniform_(-bound, bound)

    @abstractmethod
    def prepare(self, wx: Values, unit: Values) -> dict[str, Any]:
        """Return the values of each step that do not depend on the state.

        Args:
            wx: W_k x + b_k by gate k, (..., A, E) or (..., A).
            unit: parameters by name.
        """

    @abstractmethod
    def advance(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the output of a step, (B, A, E), and the new matrix states.

        Args:
            values: what `prepare` returned, (B, A, E) or (B, A).
            state: the previous states.
        """

    @abstractmethod
    def advance_chunk(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the outputs of a chunk, (B, A, L, E), and the matrix states after it.

        Args:
            values: what `prepare` returned, (B, A, L, E) or (B, A, L).
            state: the states before the chunk.
        """

    @abstractmethod
    def advance_all(
        self, wx: Values, unit: Values, state: Values, kernel: MatrixKernel
    ) -> tuple[Any, dict[str, Any]]:
        """Return h of all steps, (T, B, H), and the matrix states after them, by a kernel.

        Args:
            wx: W_k x + b_k by gate k, (T, B, A, E) or (T, B, A).
            unit: parameters by name.
            state: the states before the first step.
            kernel: what runs the parts.
        """

    @abstractmethod
    def finish(self, output: Any, values: Values, unit: Values) -> Any:
        """Return h (..., H) from the outputs (..., A, E): normalised and gated."""

    def traced(self, values: Values) -> dict[str, Any]:
        """Return the gates for traces from what `prepare` returned."""
        return {gate: values[gate] for gate in self.gates}

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates and the new states; wx as in `prepare`, after the convolution."""
        values = self.prepare(wx, unit)
        output, new = self.advance(values, state)
        return {**self.traced(values), "h": self.finish(output, values, unit), **new}


def start_decay_bias(bias_A: Any) -> None:
    """Draw biases b, in place, so that softplus(b) is log-uniform from 0.001 to 0.1."""
    rate_A = bias_A.uniform_(math.log(1e-3), math.log(0.1)).exp()
    # The inverse of softplus: b = r + log(1 - exp(-r)).
    bias_A.copy_(rate_A + (-(-rate_A).expm1()).log())
