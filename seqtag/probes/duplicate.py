"""Duplicate: the string twice.

    a b b ? ? ? ? ? ?       a, b, b, a, b, b

A context-sensitive task of Delétang et al. 2023 (repetition): the first symbol is needed first.
"""

from collections.abc import Callable, Sequence

from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe, published


@register("duplicate")
class DuplicateProbe(TransductionProbe):
    """The symbols of a string in order, twice."""

    name = "duplicate"
    symbols = labels = ("a", "b")
    published = published("50.3, 52.8, 57.6")

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a random string, and its repetition."""
        string = noise(random, self.symbols, length)
        return string, string + string

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the symbols as a queue returns them that each goes back into."""
        return [string[place % len(string)] for place in range(2 * len(string))]
