"""Binary numbers as words, the least significant bit first: "zero one one" is 6."""

from collections.abc import Callable, Sequence

from seqtag.errors import InputError
from seqtag.probes.synthetic import noise

BITS = ("zero", "one")


def number_of(bits: Sequence[str]) -> int:
    """Return the number that these bits write."""
    return sum(BITS.index(bit) << place for place, bit in enumerate(bits))


def bits_of(number: int, size: int) -> list[str]:
    """Return the lowest `size` bits of a number."""
    return [BITS[number >> place & 1] for place in range(size)]


def two_numbers(random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
    """Return two random numbers that have `length` tokens with an operator between them.

    The place of the operator is uniform, with at least one bit on each side.
    """
    place = 1 + int(random() * (length - 2))
    return noise(random, BITS, place), noise(random, BITS, length - place - 1)


def operands(string: Sequence[str], operator: str) -> tuple[list[str], list[str]]:
    """Return the numbers before and after an operator.

    Raises:
        InputError: if the string is not two numbers joined by this operator.
    """
    if list(string).count(operator) != 1 or operator in (string[0], string[-1]):
        raise InputError(f"expected two numbers joined by {operator}: {' '.join(string)[:60]}")
    place = list(string).index(operator)
    return list(string[:place]), list(string[place + 1 :])
