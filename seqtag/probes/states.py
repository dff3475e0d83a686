"""Small machines whose state is asked for after every symbol: parity, modular addition, cycle.

    a b b a b           odd after one, three … b: even, odd, even, even, odd
    three four one      the sum so far, modulo 5: 3, 2, 3
    left stay right     where one stands on a circle of five places, from place 0: 4, 4, 0

Three of the regular tasks of Delétang et al. 2023 (their modular arithmetic also subtracts and
multiplies). Finitely many states are enough, at any length, but every symbol counts: nothing
may be forgotten and nothing skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.probes.base import Labels, Probe, ProbeItem, Published, pick
from seqtag.probes.registry import register

_PLACES = ("0", "1", "2", "3", "4")


class Machine(NamedTuple):
    """How far each symbol turns a dial, and what is written at its places; it starts at the first.

    Symbols have no digits: a word's vector may count every digit as 0.
    """

    turns: Mapping[str, int]
    places: tuple[str, ...]


MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        "parity": Machine({"a": 0, "b": 1}, ("even", "odd")),
        "modular_addition": Machine(
            {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4}, _PLACES
        ),
        "cycle": Machine({"stay": 0, "right": 1, "left": -1}, _PLACES),
    }
)


@register("parity", machine="parity")
@register("modular_addition", machine="modular_addition")
@register("cycle", machine="cycle")
class StatesProbe(Probe):
    """The state of a machine, labelled at every prefix.

    The one factor is `length`, of the sequence. All symbols are equally frequent and drawn
    independently, so that what stands behind a prefix says nothing of it. In parity and modular
    addition all labels are then equally frequent at every position; in cycle they become so:
    after one symbol only three places can be reached, and the place of the start is 0.2 + 0.4 ÷
    length of all labels.

    Every prefix is a target, in judging too: the accuracy at a length is that of all positions
    up to it. Published figures are of the last position: the rows of `items.parquet` whose
    `position` is `length` − 1. The positions of one item are not independent of each other (a
    state lost stays lost), so an interval over items is wider than one over targets.

    Args:
        machine: name of one of `MACHINES`.

    Raises:
        InputError: if there is none of that name.
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
        self.turns, self.labels = MACHINES[machine]
        self._symbols = tuple(self.turns)

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items of this length.

        Raises:
            InputError: for unknown names, or length 0.
        """
        length = self.complete(n, split, factors)["length"]
        random = self.stream(split, length, seed).random
        return [self._item(random, length) for _ in range(n)]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels found by counting, for every prefix anew, each symbol in it.

        Raises:
            InputError: for a token that is no symbol of the machine.
        """
        for token in tokens:
            if token not in self.turns:
                known = ", ".join(self.turns)
                raise InputError(
                    f"probe {self.name}: no symbol {token!r}{did_you_mean(token, self.turns)}; "
                    f"there are {known}"
                )
        labels: Labels = []
        for end in range(1, len(tokens) + 1):
            prefix = tokens[:end]
            total = sum(prefix.count(symbol) * turn for symbol, turn in self.turns.items())
            labels.append(self.labels[total % len(self.labels)])
        return labels

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that there must be a symbol to label, or ""."""
        return "" if factors["length"] else "the least length is 1"

    def _item(self, random: Callable[[], float], length: int) -> ProbeItem:
        tokens, labels, place = [], [], 0
        for _ in range(length):
            symbol = pick(random, self._symbols)
            place = (place + self.turns[symbol]) % len(self.labels)
            tokens.append(symbol)
            labels.append(self.labels[place])
        everywhere = tuple(range(length))
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=everywhere,
            factors={"length": length},
            cue_positions=everywhere,
        )
