"""Binary multiplication: the product of two numbers, the least significant bit first.

    one one times zero one ? ? ? ?      zero, one, one, zero    (3 * 2 = 6)

A context-sensitive task of Delétang et al. 2023.
"""

from collections.abc import Callable, Sequence

from seqtag.probes.binary import BITS, bits_of, number_of, operands, two_numbers
from seqtag.probes.registry import register
from seqtag.probes.transduction import TransductionProbe, lengths

_TIMES = "times"


@register("binary_multiplication")
class BinaryMultiplicationProbe(TransductionProbe):
    """The bits of the product of two binary numbers: as many as both numbers have together.

    The place of "times" is uniform, with at least one bit on each side.
    """

    name = "binary_multiplication"
    symbols = (*BITS, _TIMES)
    labels = BITS
    training = lengths(3)
    least = 3

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return two numbers joined by "times", and their product."""
        first, second = two_numbers(random, length)
        product = number_of(first) * number_of(second)
        return [*first, _TIMES, *second], bits_of(product, length - 1)

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the product, by long multiplication."""
        first, second = operands(string, _TIMES)
        columns = [0] * (len(string) - 1)
        for row, bit in enumerate(second):
            for column, other in enumerate(first):
                columns[row + column] += bit == other == "one"
        carry, answer = 0, []
        for total in columns:
            carry += total
            answer.append(BITS[carry % 2])
            carry //= 2
        return answer
