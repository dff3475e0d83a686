"""Square root: the whole part of the root of a binary number, the least significant bit first.

    zero one zero one ? ?       one, one        (the root of 10 is 3 and a little)

A context-sensitive task of Delétang et al. 2023 (the bits are in the order of their paper; their
code has the most significant bit first).
"""

from collections.abc import Callable, Sequence
from math import isqrt

from seqtag.probes.binary import BITS, bits_of, number_of
from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe


@register("square_root")
class SquareRootProbe(TransductionProbe):
    """The bits of the square root, rounded down: half as many as the number has, rounded up."""

    name = "square_root"
    symbols = labels = BITS

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a random number, and its root."""
        bits = noise(random, BITS, length)
        return bits, bits_of(isqrt(number_of(bits)), (length + 1) // 2)

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the root, found bit by bit from the highest: its square must not be too large."""
        number = int("".join(str(BITS.index(bit)) for bit in reversed(string)), 2)
        size = (len(string) + 1) // 2
        root = 0
        for place in reversed(range(size)):
            if (root + 2**place) ** 2 <= number:
                root += 2**place
        return [BITS[int(digit)] for digit in reversed(format(root, f"0{size}b"))]
