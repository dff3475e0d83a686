"""Reverse: the string from its end to its beginning.

    a b b ? ? ?             b, b, a

A deterministic context-free task of Delétang et al. 2023: the last symbol is needed first.
"""

from collections.abc import Callable, Sequence

from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe, published


@register("reverse")
class ReverseProbe(TransductionProbe):
    """The symbols of a string in reverse order."""

    name = "reverse"
    symbols = labels = ("a", "b")
    published = published("62.0, 62.3, 60.9")

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a random string, and its reverse."""
        string = noise(random, self.symbols, length)
        return string, string[::-1]

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the symbols as a stack returns them."""
        stack = list(string)
        return [stack.pop() for _ in string]
