"""Bucket sort: the symbols of a string, sorted.

    c a e a ? ? ? ?         a, a, c, e

A context-sensitive task of Delétang et al. 2023; counting each of the five symbols is enough.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe


@register("bucket_sort")
class BucketSortProbe(TransductionProbe):
    """The symbols of a string in alphabetical order."""

    name = "bucket_sort"
    symbols = labels = ("a", "b", "c", "d", "e")

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a random string, and its symbols sorted."""
        string = noise(random, self.symbols, length)
        return string, sorted(string)

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return each symbol as often as it occurs."""
        counts = Counter(string)
        return [symbol for symbol in self.symbols for _ in range(counts[symbol])]
