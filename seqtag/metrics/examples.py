"""Sentences with errors, of which the most confident ones are kept."""

import heapq
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from seqtag.labels import Span

# At most this many groups are kept; of further ones only the number of errors is known.
_MOST_GROUPS = 2000


class Sentence(NamedTuple):
    """A scored sentence.

    Attributes:
        tokens: its words.
        gold: the gold label of each word; None if it is not scored.
        predicted: the predicted label of each word.
        unknown: for each word, whether it is unknown from training.
        probabilities: the probability of each predicted label.
        where: its place: "test.txt:12".
    """

    tokens: Sequence[str]
    gold: Sequence[str | None]
    predicted: Sequence[str]
    unknown: Sequence[bool]
    probabilities: Sequence[float]
    where: str


class Example(NamedTuple):
    """An error in a sentence.

    Attributes:
        probability: how probable the wrong answer was to the tagger.
        sentence: the sentence.
        gold: the gold spans of the sentence; with plain labels the wrong word alone.
        predicted: the predicted spans, likewise.
        start: first word of the error.
        end: the word after its last one.
    """

    probability: float
    sentence: Sentence
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]
    start: int
    end: int


class Examples:
    """The most confident errors of each group, and the number of all.

    A group is a kind of error and the labels in it: ("type", "PER → LOC").

    Args:
        most: number of errors that are kept of each group.

    Attributes:
        counts: number of errors of each group, also of those that are not kept.
    """

    def __init__(self, most: int) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._most = most
        self._kept: dict[tuple[str, str], list[tuple[float, int, Example]]] = {}
        self._added = 0

    def add(self, kind: str, group: str, example: Example) -> None:
        """Count an error, and keep it if it is among the most confident ones of its group."""
        self.counts[kind, group] += 1
        self._added += 1
        if not self._most or ((kind, group) not in self._kept and len(self._kept) >= _MOST_GROUPS):
            return
        heap = self._kept.setdefault((kind, group), [])
        # Of equally probable errors the earlier ones are kept.
        item = (example.probability, -self._added, example)
        if len(heap) < self._most:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)

    def chosen(self, kind: str) -> dict[str, list[Example]]:
        """Return up to `most` errors of a kind by group, the largest group first.

        Each group gets its most confident error, then each its second one, and so on.
        """
        groups = [group for (of, group), _ in self.counts.most_common() if of == kind]
        ranked = {group: self.best(kind, group) for group in groups}
        taken = dict.fromkeys(groups, 0)
        left = self._most
        for rank in range(self._most):
            for group in groups:
                if left and rank < len(ranked[group]):
                    taken[group] += 1
                    left -= 1
        return {group: ranked[group][: taken[group]] for group in groups if taken[group]}

    def best(self, kind: str, group: str) -> list[Example]:
        """Return the kept errors of a group, the most confident first."""
        return [item[2] for item in sorted(self._kept.get((kind, group), []), reverse=True)]
