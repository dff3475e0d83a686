"""State tracking: the state of a small automaton (parity, sum, position) after each symbol.

    a b b a b           odd after one, three … b: even, odd, even, even, odd
    three four one      the sum so far, modulo 5: 3, 2, 3
    left stay right     the position on a ring of five places, starting at 0: 4, 4, 0

Three of the regular tasks of Delétang et al. 2023 (their modular arithmetic also subtracts and
multiplies). A finite number of states is enough for any length, but the answer depends on every
symbol.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.probes.base import Labels, Probe, ProbeItem, Published, pick
from seqtag.probes.registry import register

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
class StatesProbe(Probe):
    """The state of an automaton after each symbol; every token is a target.

    The only factor is `length`, the number of symbols. Symbols are drawn independently and
    uniformly, so the tokens after a target give no information about its label. In parity and
    modular addition all labels are therefore equally frequent at every position. In cycle this
    holds only at later positions (after one symbol just three states can be reached), and the
    share of the starting state among all labels is 0.2 + 0.4 ÷ length.

    Accuracy at a length is that of all positions up to it. Published results are for the last
    position only: the rows of `items.parquet` whose `position` is `length` − 1. Errors within an
    item are not independent (once the state is wrong it stays wrong), so a confidence interval
    over items is wider than one over targets.

    Args:
        machine: a key of `MACHINES`.

    Raises:
        InputError: for an unknown machine.
    """

    version = 1
    bidirectional_safe = True
    axis = "length"
    unit = "symbols of the sequence"
    training = MappingProxyType({"length": tuple(range(1, 41))})
    evaluation = MappingProxyType({"length": (10, 20, 40, 60, 80, 120, 160, 200, 300, 400, 500)})
    quick = MappingProxyType({"length": (10, 20, 40, 80, 160)})
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
        self._symbols = tuple(self.steps)

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

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if the length is 0, else ""."""
        return "" if factors["length"] else "the least length is 1"

    def _item(self, random: Callable[[], float], length: int) -> ProbeItem:
        tokens, labels, state = [], [], 0
        for _ in range(length):
            symbol = pick(random, self._symbols)
            state = (state + self.steps[symbol]) % len(self.labels)
            tokens.append(symbol)
            labels.append(self.labels[state])
        positions = tuple(range(length))
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=positions,
            factors={"length": length},
            cue_positions=positions,
        )
