"""State tracking: the state of a small automaton (parity, sum, position) after each symbol.

    a b b a b           odd after one, three … b: even, odd, even, even, odd
    three four one      the sum so far, modulo 5: 3, 2, 3
    left stay right     the position on a ring of five places, starting at 0: 4, 4, 0

Three of the regular tasks of Delétang et al. 2023 (their modular arithmetic also subtracts and
multiplies). A finite number of states is enough for any length, but the answer depends on every
symbol.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.probes.base import Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.tracking import TrackingProbe

_FIVE_STATES = ("0", "1", "2", "3", "4")


class Machine(NamedTuple):
    """An automaton whose states form a ring; it starts in the first state.

    Symbols contain no digits, because word vectors may be looked up with all digits replaced by 0.

    Attributes:
        steps: how many states each symbol moves forward.
        states: labels of the states, in order.
    """

    steps: Mapping[str, int]
    states: tuple[str, ...]


MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        "parity": Machine({"a": 0, "b": 1}, ("even", "odd")),
        "modular_addition": Machine(
            {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4}, _FIVE_STATES
        ),
        "cycle": Machine({"stay": 0, "right": 1, "left": -1}, _FIVE_STATES),
    }
)


@register("parity", machine="parity")
@register("modular_addition", machine="modular_addition")
@register("cycle", machine="cycle")
class StatesProbe(TrackingProbe):
    """The state of an automaton after each symbol.

    In parity and modular addition all labels are equally frequent at every position. In cycle this
    holds only at later positions (after one symbol just three states can be reached), and the
    share of the starting state among all labels is 0.2 + 0.4 ÷ length.

    Published results are for the last position only: the rows of `items.parquet` whose `position`
    is `length` − 1.

    Args:
        machine: a key of `MACHINES`.

    Raises:
        InputError: for an unknown machine.
    """

    version = 1
    published = (
        Published(
            "regular tasks, trained up to length 40, judged up to 500",
            "solved by RNN and LSTM",
            "Delétang et al. 2023, Neural Networks and the Chomsky Hierarchy",
        ),
    )

    def __init__(self, machine: str) -> None:
        if machine not in MACHINES:
            raise unknown("machine", machine, MACHINES)
        self.name = machine
        self.steps, self.labels = MACHINES[machine]
        self.symbols = tuple(self.steps)
        self._moves = tuple(self.steps.values())

    def next_state(self, state: int, symbol: int) -> int:
        """Return the state after a symbol."""
        return (state + self._moves[symbol]) % len(self.labels)

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, computed by counting the symbols of each prefix.

        Raises:
            InputError: for a token that is not a symbol of the machine.
        """
        for token in tokens:
            if token not in self.steps:
                known = ", ".join(self.steps)
                raise InputError(
                    f"probe {self.name}: unknown symbol {token!r}"
                    f"{did_you_mean(token, self.steps)}; known: {known}"
                )
        labels: Labels = []
        for end in range(1, len(tokens) + 1):
            prefix = tokens[:end]
            total = sum(prefix.count(symbol) * steps for symbol, steps in self.steps.items())
            labels.append(self.labels[total % len(self.labels)])
        return labels
