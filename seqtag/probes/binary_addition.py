"""Binary addition: the sum of two numbers, the least significant bit first.

    one one plus one ? ? ?          zero, zero, one     (3 + 1 = 4)

A context-sensitive task of Delétang et al. 2023.
"""

from collections.abc import Callable, Sequence

from seqtag.probes.binary import BITS, bits_of, number_of, operands, two_numbers
from seqtag.probes.registry import register
from seqtag.probes.transduction import TransductionProbe, lengths

_PLUS = "plus"


@register("binary_addition")
class BinaryAdditionProbe(TransductionProbe):
    """The bits of the sum of two binary numbers: one more than the longer number has.

    The place of "plus" is uniform, with at least one bit on each side.
    """

    name = "binary_addition"
    symbols = (*BITS, _PLUS)
    labels = BITS
    training = lengths(3)
    least = 3

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return two numbers joined by "plus", and their sum."""
        first, second = two_numbers(random, length)
        total = number_of(first) + number_of(second)
        return [*first, _PLUS, *second], bits_of(total, 1 + max(len(first), len(second)))

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the sum, added bit by bit with a carry."""
        numbers = operands(string, _PLUS)
        carry, answer = 0, []
        for column in range(1 + max(map(len, numbers))):
            carry += sum(number[column : column + 1] == ["one"] for number in numbers)
            answer.append(BITS[carry % 2])
            carry //= 2
        return answer
