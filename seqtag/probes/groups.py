"""Word problems: the product of the elements of a finite group so far, after each element.

    bac cba abc         S3: the arrangement of abc after each permutation: bac, cab, cab

A finite number of states is enough for any length. Groups that are not solvable (A5, S5) need a
state that is updated step by step; networks of fixed depth without such a state cannot follow them
at every length (Merrill, Petty & Sabharwal 2024).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import permutations
from types import MappingProxyType
from typing import NamedTuple

from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.probes.base import Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.tracking import TrackingProbe

_LETTERS = "abcdefghij"


class Group(NamedTuple):
    """A finite group.

    Names contain no digits, because word vectors may be looked up with all digits replaced by 0.

    Attributes:
        names: the elements, the neutral one first. A permutation is written as the arrangement
            into which it brings abc...
        table: the number of the product of elements i and j, which is i followed by j, in row i.
    """

    names: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]


def _permutations(size: int, even_only: bool) -> Group:
    """Return the permutations of some letters, or the even ones."""
    elements = [p for p in permutations(range(size)) if not even_only or not _inversions(p) % 2]
    number = {element: index for index, element in enumerate(elements)}
    # In the arrangement that i makes, j moves the letter at place j[k] to place k.
    table = tuple(tuple(number[tuple(i[k] for k in j)] for j in elements) for i in elements)
    return Group(tuple("".join(_LETTERS[k] for k in p) for p in elements), table)


def _inversions(permutation: Sequence[int]) -> int:
    size = len(permutation)
    return sum(permutation[a] > permutation[b] for a in range(size) for b in range(a + 1, size))


def _rotations(size: int) -> Group:
    """Return the cyclic group; an element is written with a letter for each digit."""
    names = tuple(_LETTERS[k // 10] + _LETTERS[k % 10] for k in range(size))
    return Group(names, tuple(tuple((i + j) % size for j in range(size)) for i in range(size)))


GROUPS: Mapping[str, Callable[[], Group]] = MappingProxyType(
    {
        "s3": lambda: _permutations(3, even_only=False),
        "a5": lambda: _permutations(5, even_only=True),
        "s5": lambda: _permutations(5, even_only=False),
        "z60": lambda: _rotations(60),
    }
)


@cache
def group_of(name: str) -> Group:
    """Return a group of `GROUPS`; it is computed once."""
    return GROUPS[name]()


@register("word_s3", group="s3")
@register("word_a5", group="a5")
@register("word_s5", group="s5")
@register("word_z60", group="z60")
class WordProblem(TrackingProbe):
    """The product of all elements so far, after each element.

    All labels are equally frequent at every position.

    S3 and Z60 are solvable groups, A5 and S5 are not. A5 and Z60 both have 60 elements, so that a
    difference between them is not one of size.

    Published results are for whole sequences.

    Args:
        group: a key of `GROUPS`.

    Raises:
        InputError: for an unknown group.
    """

    version = 1
    unit = "elements of the sequence"
    published = (
        Published(
            "A5, A4 x Z5 and Z60: layers needed for 90% of whole sequences",
            "RNN: 1 at every length; Transformer and Mamba: more for longer sequences of A5",
            "Merrill, Petty & Sabharwal 2024, The Illusion of State in State-Space Models, "
            "section 6",
        ),
    )

    def __init__(self, group: str) -> None:
        if group not in GROUPS:
            raise unknown("group", group, GROUPS)
        self.name = f"word_{group}"
        self._group = group
        self.labels = self.symbols = group_of(group).names
        self._table = group_of(group).table

    def next_state(self, state: int, symbol: int) -> int:
        """Return the product of two elements, given by number."""
        return self._table[state][symbol]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, computed from the names of the elements alone.

        Raises:
            InputError: for a token that is not an element of the group.
        """
        for token in tokens:
            if token not in self.labels:
                raise InputError(
                    f"probe {self.name}: unknown element {token!r}"
                    f"{did_you_mean(token, self.labels)}"
                )
        labels: Labels = []
        if self._group == "z60":
            total = 0
            for token in tokens:
                tens, ones = map(_LETTERS.index, token)
                total += 10 * tens + ones
                labels.append(self.labels[total % len(self.labels)])
            return labels
        arrangement = self.labels[0]
        for token in tokens:
            arrangement = "".join(arrangement[_LETTERS.index(letter)] for letter in token)
            labels.append(arrangement)
        return labels
