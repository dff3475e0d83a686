"""Base class of probes made of artificial symbols: exact label balance, random noise."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from seqtag.probes.base import Labels, Probe, ProbeItem, shuffled

T = TypeVar("T")


class Synthetic(Probe):
    """A probe that draws the answers first, exactly balanced, and then writes items for them.

    At each target all labels that can occur under the factors are equally frequent (counts
    differ by one at most if the number of items is not a multiple of the number of labels), and
    the labels of different targets are independent.

    Example:
        @register("first_symbol")
        class FirstSymbol(Synthetic):
            name, version, labels, bidirectional_safe = "first_symbol", 1, ("x", "y"), True
            axis, unit = "gap", "symbols between first and last"
            training, evaluation, quick = {"gap": (1, 2)}, {"gap": (1, 9)}, {"gap": (1, 9)}

            def write(self, random, answers, factors):
                tokens = [answers[0], *noise(random, "ab", factors["gap"]), "?"]
                return tokens, [len(tokens) - 1], [0]

            def oracle(self, tokens):
                return at_end(tokens, tokens[0])
    """

    def answers(self, factors: Mapping[str, int]) -> Sequence[str]:
        """Return the labels that can occur under these factors; by default all."""
        return self.labels

    def target_count(self, factors: Mapping[str, int]) -> int:
        """Return the number of targets of an item with these factors; by default one."""
        return 1

    @abstractmethod
    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Write an item with these answers, one per target.

        Returns:
            Its tokens, the positions of its targets, and the positions of its cues.
        """

    def contrast(self, answers: Sequence[str]) -> str:
        """Return which shallow cues mislead in an item with these answers; by default ""."""
        return ""

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors; a factor left out takes its first value.

        Raises:
            InputError: for an unknown split or factor, or factors that no item can have.
        """
        full = self.complete(n, split, factors)
        random = self.random_stream(split, *full.values(), seed).random
        rows = [balanced(random, self.answers(full), n) for _ in range(self.target_count(full))]
        return [self._item(random, answers, full) for answers in zip(*rows, strict=True)]

    def chance(self, factors: Mapping[str, int]) -> float:
        """Return the accuracy of guessing among the labels that can occur at a target."""
        return 1 / len(self.answers(self.complete(0, self.judged[0], factors)))

    def _item(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> ProbeItem:
        tokens, targets, cues = self.write(random, answers, factors)
        labels: Labels = [None] * len(tokens)
        for target, answer in zip(targets, answers, strict=True):
            labels[target] = answer
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=tuple(targets),
            factors=factors,
            cue_positions=tuple(cues),
            contrast=self.contrast(answers),
        )


def balanced(random: Callable[[], float], values: Sequence[T], n: int) -> Iterator[T]:
    """Yield `n` values in random order; how often each occurs differs by one at most."""
    for start in range(0, n, len(values)):
        yield from shuffled(random, values)[: n - start]


def noise(random: Callable[[], float], symbols: Sequence[str], n: int) -> list[str]:
    """Return `n` symbols, drawn independently and uniformly."""
    size = len(symbols)
    return [symbols[int(random() * size)] for _ in range(n)]


def random_positions(random: Callable[[], float], n: int, size: int) -> list[int]:
    """Return `n` different random positions below `size`, in ascending order."""
    return sorted(shuffled(random, range(size))[:n])


def at_end(tokens: Sequence[str], label: str | None) -> Labels:
    """Return the labels of a sequence whose only target is its last token."""
    return [None] * (len(tokens) - 1) + [label]
