"""Base class of probes that ask for a state after every symbol of a random sequence."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from seqtag.probes.base import Probe, ProbeItem


class TrackingProbe(Probe):
    """The state after each symbol; by default symbols are independent, and all are targets.

    The only factor is `length`, the number of symbols. The tokens after a target give no
    information about its label.

    Accuracy at a length is that of all positions up to it. Errors within an item are not
    independent (once the state is wrong it stays wrong), so a confidence interval over items is
    wider than one over targets.

    A subclass defines `symbols`, `labels` and `next_state`. Its states are numbers, of which 0 is
    the first and each has a label, or anything else if it also defines `start` and `label_of`.
    """

    bidirectional_safe = True
    axis = "length"
    unit = "symbols of the sequence"
    training = MappingProxyType({"length": tuple(range(1, 41))})
    evaluation = MappingProxyType({"length": (10, 20, 40, 60, 80, 120, 160, 200, 300, 400, 500)})
    quick = MappingProxyType({"length": (10, 20, 40, 80, 160)})
    symbols: Sequence[str]
    version: ClassVar[int]
    start: ClassVar[Any] = 0

    @abstractmethod
    def next_state(self, state: Any, symbol: int) -> Any:
        """Return the state after a symbol, which is given by its place in `symbols`."""

    def label_of(self, state: Any) -> str | None:
        """Return the label after the symbol that led to this state; None if it has no label."""
        label: str = self.labels[state]
        return label

    def next_symbols(self, state: Any) -> Sequence[int]:
        """Return the places in `symbols` of those that can follow; all of them by default."""
        return range(len(self.symbols))

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items of this length.

        Raises:
            InputError: for an unknown split or factor, or length 0.
        """
        length = self.complete(n, split, factors)["length"]
        random = self.random_stream(split, length, seed).random
        return [self._item(random, length) for _ in range(n)]

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if the length is 0, else ""."""
        return "" if factors["length"] else "the least length is 1"

    def _item(self, random: Callable[[], float], length: int) -> ProbeItem:
        state = self.start
        tokens, labels = [], []
        for _ in range(length):
            possible = self.next_symbols(state)
            symbol = possible[int(random() * len(possible))]
            state = self.next_state(state, symbol)
            tokens.append(self.symbols[symbol])
            labels.append(self.label_of(state))
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=tuple(place for place, label in enumerate(labels) if label is not None),
            factors={"length": length},
            cue_positions=tuple(range(length)),
        )
