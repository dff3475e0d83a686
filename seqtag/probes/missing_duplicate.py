"""Missing duplicate: the symbol that is missing from a string that is written twice.

    a b b a _ b ?           b

A context-sensitive task of Delétang et al. 2023.
"""

from collections.abc import Callable, Sequence

from seqtag.errors import InputError
from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe, lengths

_MISSING = "_"


@register("missing_duplicate")
class MissingDuplicateProbe(TransductionProbe):
    """The symbol that "_" replaces in a string that is written twice.

    The missing symbol can be in either half, at each place with the same probability.
    """

    name = "missing_duplicate"
    symbols = ("a", "b", _MISSING)
    labels = ("a", "b")
    training = lengths(2, step=2)
    least = step = 2

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a doubled string with one symbol replaced, and that symbol."""
        half = noise(random, self.labels, length // 2)
        string = half + half
        place = int(random() * length)
        answer, string[place] = string[place], _MISSING
        return string, [answer]

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the symbol that is missing from the half with more of it in the other one."""
        if string.count(_MISSING) != 1 or len(string) % 2:
            raise InputError(f"probe {self.name}: expected two halves with one {_MISSING}")
        halves = string[: len(string) // 2], string[len(string) // 2 :]
        counts = [abs(halves[0].count(label) - halves[1].count(label)) for label in self.labels]
        return [self.labels[counts.index(1)]]
