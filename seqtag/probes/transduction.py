"""Base class of probes that ask for a string computed from the string before.

    a b b a ? ? ? ?         the labels of the "?" are the symbols of the answer

These are tasks of Delétang et al. 2023, who append as many blanks as the answer has symbols, too.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import ClassVar

from seqtag.errors import InputError, did_you_mean
from seqtag.probes.base import Labels, Probe, ProbeItem, Published

QUERY = "?"


class TransductionProbe(Probe):
    """A random string, then a query for each symbol of the answer.

    The only factor is `length`, the number of symbols before the queries. Symbols of the string are
    uniform and independent as far as the task allows, and no token after a query gives information
    about its label. All queries are the same token, so the model must keep count of the symbols
    that it has already written.

    A subclass defines `symbols`, `labels`, `write` and `solve`.

    Attributes:
        symbols: the tokens before the queries.
        least: the least length.
        step: lengths are multiples of this.
    """

    version = 1
    bidirectional_safe = True
    axis = "length"
    unit = "symbols before the queries"
    training: Mapping[str, Sequence[int]] = MappingProxyType({"length": tuple(range(1, 41))})
    evaluation = MappingProxyType({"length": (10, 20, 40, 60, 80, 120, 160, 200, 300, 400, 500)})
    quick = MappingProxyType({"length": (10, 20, 40, 80, 160)})
    symbols: ClassVar[Sequence[str]]
    least: ClassVar[int] = 1
    step: ClassVar[int] = 1

    @abstractmethod
    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a random string of this length, and its answer."""

    @abstractmethod
    def solve(self, string: Sequence[str]) -> Sequence[str]:
        """Return the answer to a string, computed by other means than in `write`.

        Raises:
            InputError: for a string that the task does not have.
        """

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items of this length.

        Raises:
            InputError: for an unknown split or factor, or a length that no string has.
        """
        length = self.complete(n, split, factors)["length"]
        random = self.random_stream(split, length, seed).random
        return [self._item(*self.write(random, length)) for _ in range(n)]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: the answer to the string before the queries.

        Raises:
            InputError: for a token that is not a symbol, a string that the task does not have, or
                another number of queries than the answer has symbols.
        """
        string = list(takewhile(lambda token: token != QUERY, tokens))
        if not string:
            raise InputError(f"probe {self.name}: the string is empty")
        for position, token in enumerate(string):
            if token not in self.symbols:
                raise InputError(
                    f"probe {self.name}: unknown symbol {token!r} at token {position + 1}"
                    f"{did_you_mean(token, self.symbols)}; known: {', '.join(self.symbols)}"
                )
        answer = list(self.solve(string))
        if list(tokens[len(string) :]) != [QUERY] * len(answer):
            raise InputError(
                f"probe {self.name}: expected {len(answer)} times {QUERY} after {len(string)} "
                f"symbols, not {' '.join(tokens[len(string) :])[:60]!r}"
            )
        return [None] * len(string) + answer

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason with the nearest length if the length is impossible, else ""."""
        length = factors["length"]
        if length < self.least:
            return f"the least length is {self.least}"
        if length % self.step:
            return f"the length must be a multiple of {self.step}"
        return ""

    def _item(self, string: Sequence[str], answer: Sequence[str]) -> ProbeItem:
        size = len(string)
        return ProbeItem(
            tokens=(*string, *[QUERY] * len(answer)),
            labels=(*[None] * size, *answer),
            targets=tuple(range(size, size + len(answer))),
            factors={"length": size},
            cue_positions=tuple(range(size)),
        )


def lengths(least: int, step: int = 1) -> Mapping[str, Sequence[int]]:
    """Return the training range of a task whose strings have these lengths."""
    return MappingProxyType({"length": tuple(n for n in range(least, 41) if n % step == 0)})


def published(figures: str) -> tuple[Published, ...]:
    """Return the published accuracies of RNN, Transformer and LSTM on a task."""
    return (
        Published(
            "per cent of the answer right, trained to 40, judged to 500: RNN, Transformer, LSTM",
            figures,
            "Delétang et al. 2023, Neural Networks and the Chomsky Hierarchy (best of their seeds; "
            "quoted second hand)",
        ),
    )
