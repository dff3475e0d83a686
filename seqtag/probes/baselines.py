"""Solvers that know nothing of a probe but its training items: what every score stands beside."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

# Tokens that the window sees, the target among them.
WINDOW = 4


class WindowBaseline:
    """The label that training shows most often behind the same last tokens.

    The longest ending seen in training decides, down to none at all; ties go to the label that
    comes first in the alphabet.

    Args:
        size: tokens of the longest ending, the target among them: 0 is the majority label, 1 the
            context-free preference of the target's own token.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._labels: dict[tuple[str, ...], str] = {}

    def fit(
        self, sentences: Iterable[Sequence[str]], labels: Iterable[Sequence[str | None]]
    ) -> WindowBaseline:
        """Count the labels behind every ending of every labelled token."""
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for tokens, row in zip(sentences, labels, strict=True):
            for target, label in enumerate(row):
                if label is not None:
                    for ending in self._endings(tokens, target):
                        counts[ending][label] += 1
        self._labels = {
            ending: min(seen, key=lambda label: (-seen[label], label))
            for ending, seen in counts.items()
        }
        return self

    def __call__(self, tokens: Sequence[str], target: int) -> str | None:
        """Return the label at a target, or None where nothing was ever labelled."""
        for ending in self._endings(tokens, target):
            if ending in self._labels:
                return self._labels[ending]
        return None

    def _endings(self, tokens: Sequence[str], target: int) -> Iterable[tuple[str, ...]]:
        """Yield the tokens up to the target, the longest ending first."""
        for size in range(min(self.size, target + 1), -1, -1):
            yield tuple(tokens[target + 1 - size : target + 1])


def fit_baselines(
    sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str | None]]
) -> dict[str, WindowBaseline]:
    """Return the baselines "majority", "context_free" and "window", fitted to training items."""
    sizes = {"majority": 0, "context_free": 1, "window": WINDOW}
    return {name: WindowBaseline(size).fit(sentences, labels) for name, size in sizes.items()}
