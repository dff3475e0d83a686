"""The contract of an engine: what runs one layer of a cell over a batch.

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
    """What an engine gives back.

    y_BTH: outputs, (B, T, N*H), 0 after the end; any strides.
    states: the states at each sequence's end, one mapping a direction; for the second
        direction that is after its first word.
    traces: one mapping a direction where they were asked for, 0 after the end; else ().
    """

    y_BTH: Tensor
    states: Sequence[States]
    traces: Sequence[Traces] = ()


class LayerCall(NamedTuple):
    """What an engine runs: one layer over one batch.

    cell: the cell.
    x_BTD: inputs; T is the longest length, and after a sequence's end may stand anything, NaN too.
    weights, states: parameters and initial states, one of each a direction. The first direction
        reads each sequence forwards, the second backwards from its own end.
    padding: where sequences end.
    traces: whether gates and states are asked for.
    noise: what the call has drawn at random.
    entries: x by reference, for an engine that takes it so; of `x_BTD` the shape alone counts.
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
    """A refusal that someone should hear of: what ought to work here does not."""


class Engine(ABC):
    """One way to run any cell, or some.

    Attributes:
        name: the name of the engine.
        takes_entries: whether it takes inputs by reference, where no gradients are wanted.
    """

    name: ClassVar[str]
    takes_entries: ClassVar[bool] = False

    @abstractmethod
    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Return why this engine cannot run the cell, or None where it can.

        An engine that has no room for noise refuses it, and so with traces.
        """

    @abstractmethod
    def run(self, call: LayerCall) -> LayerOutput:
        """Run one layer in all its directions.

        A sequence without steps keeps its initial state. Nothing after a sequence's end changes
        an output, a state or a gradient.
        """
