"""Binary numbers as words, the least significant bit first: "zero one one" is 6."""

from collections.abc import Sequence

BITS = ("zero", "one")


def number_of(bits: Sequence[str]) -> int:
    """Return the number that these bits write."""
    return sum(BITS.index(bit) << place for place, bit in enumerate(bits))


def bits_of(number: int, size: int) -> list[str]:
    """Return the lowest `size` bits of a number."""
    return [BITS[number >> place & 1] for place in range(size)]
