"""Odds first: the first, third, fifth, ... symbol of a string, then the others.

    a b b a a ? ? ? ? ?     a, b, a, b, a

A context-sensitive task of Delétang et al. 2023.
"""

from collections.abc import Callable, Sequence

from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe, published


@register("odds_first")
class OddsFirstProbe(TransductionProbe):
    """The symbols at odd places (counted from 1), then those at even places."""

    name = "odds_first"
    symbols = labels = ("a", "b")
    published = published("51.0, 52.8, 55.6")

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a random string, and its symbols at odd places before those at even places."""
        string = noise(random, self.symbols, length)
        return string, string[::2] + string[1::2]

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the symbols sorted by the parity of their place."""
        order = sorted(range(len(string)), key=lambda place: place % 2)
        return [string[place] for place in order]
