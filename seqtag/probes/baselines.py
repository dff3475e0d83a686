"""Baselines fitted to the training items of any probe."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

# Tokens in the window, including the target.
WINDOW = 4


class WindowBaseline:
    """Predicts the most frequent training label of targets with the same last tokens.

    Backs off from the longest context seen in training to shorter ones, and finally to no context
    at all. Ties go to the label that comes first in alphabetical order.

    Args:
        size: tokens of the longest context, including the target: 0 predicts the majority label,
            1 the most frequent label of the target token.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._labels: dict[tuple[str, ...], str] = {}

    def fit(
        self, sentences: Iterable[Sequence[str]], labels: Iterable[Sequence[str | None]]
    ) -> WindowBaseline:
        """Count the labels of each context and return `self`."""
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for tokens, row in zip(sentences, labels, strict=True):
            for target, label in enumerate(row):
                if label is not None:
                    for context in self._contexts(tokens, target):
                        counts[context][label] += 1
        self._labels = {
            context: min(counter, key=lambda label: (-counter[label], label))
            for context, counter in counts.items()
        }
        return self

    def __call__(self, tokens: Sequence[str], target: int) -> str | None:
        """Return the predicted label at a target; None if the training items had no labels."""
        for context in self._contexts(tokens, target):
            if context in self._labels:
                return self._labels[context]
        return None

    def _contexts(self, tokens: Sequence[str], target: int) -> Iterable[tuple[str, ...]]:
        """Yield the contexts that end with the target, the longest first."""
        for size in range(min(self.size, target + 1), -1, -1):
            yield tuple(tokens[target + 1 - size : target + 1])


def fit_baselines(
    sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str | None]]
) -> dict[str, WindowBaseline]:
    """Return the baselines "majority", "context_free" and "window", fitted to training items."""
    sizes = {"majority": 0, "context_free": 1, "window": WINDOW}
    return {name: WindowBaseline(size).fit(sentences, labels) for name, size in sizes.items()}
