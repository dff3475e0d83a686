"""What probes of artificial symbols share: factors in full, exact balance, noise."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from seqtag.probes.base import Labels, Probe, ProbeItem, shuffled

T = TypeVar("T")


class Synthetic(Probe):
    """A probe whose items are written around their answers, and the answers counted out.

    At every target the labels that occur under the given factors are equally frequent (to one,
    where the number of items is no multiple), and those of two targets have nothing to do with
    each other.
    """

    def answers(self, factors: Mapping[str, int]) -> Sequence[str]:
        """Return the labels that occur under these factors. Here: all."""
        return self.labels

    def asked(self, factors: Mapping[str, int]) -> int:
        """Return how many targets an item with these factors has. Here: one."""
        return 1

    @abstractmethod
    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item with these answers, its targets and its cues."""

    def contrast(self, answers: Sequence[str]) -> str:
        """Return which shallow cues mislead in an item with these answers. Here: ""."""
        return ""

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors; one left out is at its first value.

        Raises:
            InputError: for an unknown split or factor, or factors that no item has.
        """
        full = self.complete(n, split, factors)
        random = self.stream(split, *full.values(), seed).random
        rows = [balanced(random, self.answers(full), n) for _ in range(self.asked(full))]
        return [self._item(random, answers, full) for answers in zip(*rows, strict=True)]

    def chance(self, factors: Mapping[str, int]) -> float:
        """Return how often a guess among the labels that occur at a target is right."""
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
    """Yield `n` values in random order, each as often as the others, as near as `n` allows."""
    for start in range(0, n, len(values)):
        yield from shuffled(random, values)[: n - start]


def noise(random: Callable[[], float], symbols: Sequence[str], n: int) -> list[str]:
    """Return `n` symbols, each drawn on its own."""
    size = len(symbols)
    return [symbols[int(random() * size)] for _ in range(n)]


def places(random: Callable[[], float], n: int, size: int) -> list[int]:
    """Return `n` different positions below `size` in ascending order."""
    return sorted(shuffled(random, range(size))[:n])


def at_end(tokens: Sequence[str], label: str | None) -> Labels:
    """Return the labels of a sequence whose only target is its last token."""
    return [None] * (len(tokens) - 1) + [label]
