"""The interface of an engine, which runs one layer of a cell over a batch.

B batch, T time, D features in, H hidden units, N directions (1 or 2), G gates.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.entries import Entries
from seqtag.recurrent.noise import Noise
from seqtag.recurrent.padding import Padding
from seqtag.recurrent.parameters import Weights

States = Mapping[str, Tensor]  # by name, each (B, H)
Traces = Mapping[str, Tensor]  # every gate and state by name, each (B, T, H) in time order


class LayerOutput(NamedTuple):
    """The result of an engine.

    y_BTH: outputs, (B, T, N*H), 0 after the end; any strides.
    states: final states, one mapping per direction. The backward direction ends at the first word.
    traces: one mapping per direction, 0 after the end; () unless requested.
    """

    y_BTH: Tensor
    states: Sequence[States]
    traces: Sequence[Traces] = ()


class LayerCall(NamedTuple):
    """The arguments of an engine: one layer and one batch.

    cell: the cell.
    x_BTD: inputs; T is the longest length. Values after a sequence's end are arbitrary, even NaN.
    weights, states: parameters and initial states, one item per direction. The first direction
        reads each sequence forwards, the second one backwards from the sequence's end.
    padding: where sequences end.
    traces: whether to return the values of gates and states.
    noise: the random masks of this call.
    entries: x as rows of a table, for engines that take it; then only the shape of `x_BTD` counts.
    """

    cell: Cell
    x_BTD: Tensor
    weights: Sequence[Weights]
    states: Sequence[States]
    padding: Padding
    traces: bool = False
    noise: Noise | None = None
    entries: Entries | None = None


class UnexpectedRefusal(str):
    """A refusal that is logged as a warning: the engine was expected to work here."""


class Engine(ABC):
    """One way to run cells over sequences; an engine may support only some cells.

    Attributes:
        name: the name of the engine.
        takes_entries: whether it takes inputs as `Entries` when no gradients are needed.
    """

    name: ClassVar[str]
    takes_entries: ClassVar[bool] = False

    @abstractmethod
    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Return why this engine cannot run the cell, or None if it can.

        An engine without support for noise or traces returns that as the reason.
        """

    def serves_auto(self, x_BTD: Tensor) -> bool:
        """Return whether "auto" may choose this engine for tensors such as x."""
        return True

    @abstractmethod
    def run(self, call: LayerCall) -> LayerOutput:
        """Run one layer in all its directions.

        A sequence without steps keeps its initial state. Values after a sequence's end must not
        change any output, state or gradient.
        """
