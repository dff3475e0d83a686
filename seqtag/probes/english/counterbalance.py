"""Choose persons of a sentence so that the forms in view say nothing about the label.

A reader of forms sees the form of every person (M, F or PL) in order, but not who is the subject:
it may use the first, the last, the most frequent form, or any other function of them. If the label
is uniform over the three forms given that order, each such reader is right in one third of the
items. This needs k persons of each form, and for each form a place where the subject can stand.

Items come in blocks of 18 with the same arrangement of persons: each of its three letters in turn
is the label's, under each of the six ways to name the letters by forms. In a block every reader
that treats the forms alike (the first, the last, the second, ...), every constant answer and every
function of the number of persons is right exactly 6 times.

Where the label cannot be uniform (no rival, or one), blocks hold each case once.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise, permutations, product
from typing import NamedTuple, TypeVar

from seqtag.probes.base import shuffled
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.lexicon import GENDERS

T = TypeVar("T")

# Items of a block: labels, times the ways to name three letters by forms.
BLOCK = 18
# The most persons before the first subject, and the most rivals: persons of other forms.
MAX_BEFORE, MAX_RIVALS = 4, 6

# The places of all subjects in the order of persons; the last one decides.
Chain = tuple[int, ...]


class Arrangement(NamedTuple):
    """An order of persons whose forms are letters (0, 1, 2).

    Attributes:
        letters: the letter of each person.
        chains: for each letter, the possible places of the subjects if the label is that letter,
            grouped by the place of the last subject.
    """

    letters: tuple[int, ...]
    chains: tuple[tuple[tuple[Chain, ...], ...], ...]


def persons_of(rivals: int) -> int:
    """Return the number of persons: three for each two rivals; 1 or 2 for no or one rival."""
    return rivals + 1 if rivals < 2 else 3 * rivals // 2


def is_uniform(rivals: int) -> bool:
    """Return whether the label can be uniform over all forms given the forms in view."""
    return rivals >= 2


@cache
def arrangements(rivals: int, switches: int, room: int) -> tuple[Arrangement, ...]:
    """Return all arrangements of persons, the same number of each form, that admit every label.

    Args:
        rivals: persons of another form than the label, earlier subjects included: 2, 4 or 6.
        switches: subjects before the last one, each of another form than the next.
        room: the most persons that fit between the last subject and the target.

    With four rivals or more somebody must follow the last subject, because otherwise the gap
    between the last person and the target would show that this person is the subject.
    """
    found = []
    for letters in _orders(rivals // 2):
        chains = tuple(_chains(letters, label, switches, room) for label in range(3))
        if all(chains):
            found.append(Arrangement(letters, chains))
    return tuple(found)


def casts(
    random: Callable[[], float], n: int, rivals: int, switches: int, room: int
) -> Iterator[Cast]:
    """Yield the persons of `n` items in blocks; fewer items are a prefix of more.

    Args:
        random: source of random numbers.
        n: number of items.
        rivals: persons of another form than the label; 0 and 1 require `switches` to be 0.
        switches: subjects before the last one.
        room: the most persons that fit between the last subject and the target.
    """
    if not is_uniform(rivals):
        cases = _cases(rivals)
        drawn = (case for block in _endlessly(random, [cases]) for case in shuffled(random, block))
        for _, (before, label, after) in zip(range(n), drawn, strict=False):
            yield Cast([*before], [label], [], [*after])
        return
    blocks = _endlessly(random, arrangements(rivals, switches, room))
    labelled = (
        (arrangement, label, naming)
        for arrangement in blocks
        for label, naming in shuffled(random, list(product(range(3), permutations(GENDERS))))
    )
    for _, (arrangement, label, naming) in zip(range(n), labelled, strict=False):
        yield _cast(random, arrangement, label, naming)


def _endlessly(random: Callable[[], float], values: Sequence[T]) -> Iterator[T]:
    """Yield the values in random order, each once, then again in another order, and so on."""
    while True:
        yield from shuffled(random, values)


def _cases(rivals: int) -> list[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """Return each case of none or one rival once: persons before, label, persons after."""
    if rivals == 0:
        return [((), label, ()) for label in GENDERS]
    pairs = list(permutations(GENDERS, 2))
    return [((other,), label, ()) for label, other in pairs] + [
        ((), label, (other,)) for label, other in pairs
    ]


def _cast(
    random: Callable[[], float], arrangement: Arrangement, label: int, naming: Sequence[str]
) -> Cast:
    """Return persons in this order; the place of the subject is uniform, then its chain."""
    ends = arrangement.chains[label]
    chains = ends[int(random() * len(ends))]
    chain = chains[int(random() * len(chains))]
    forms = [naming[letter] for letter in arrangement.letters]
    return Cast(
        before=forms[: chain[0]],
        subjects=[forms[place] for place in chain],
        between=[forms[start + 1 : end] for start, end in pairwise(chain)],
        after=forms[chain[-1] + 1 :],
    )


def _orders(each: int) -> Iterator[tuple[int, ...]]:
    """Yield all orders of this many persons of each of three letters, up to renaming."""
    size = 3 * each
    for zeros in combinations(range(1, size), each - 1):
        rest = [place for place in range(1, size) if place not in zeros]
        for ones in combinations(rest[1:], each - 1):
            order = [2] * size
            for letter, places in enumerate(((0, *zeros), (rest[0], *ones))):
                for place in places:
                    order[place] = letter
            yield tuple(order)


def _chains(
    letters: Sequence[int], label: int, switches: int, room: int
) -> tuple[tuple[Chain, ...], ...]:
    """Return the places that the subjects can have, grouped by the place of the last one."""
    size = len(letters)
    nobody_behind = size == 3
    groups = []
    for end in range(max(0, size - 1 - room), size if nobody_behind else size - 1):
        if letters[end] == label:
            chains = tuple(
                (*earlier, end)
                for earlier in combinations(range(end), switches)
                if _is_chain(letters, (*earlier, end))
            )
            groups += [chains] if chains else []
    return tuple(groups)


def _is_chain(letters: Sequence[int], chain: Chain) -> bool:
    return chain[0] <= MAX_BEFORE and all(letters[a] != letters[b] for a, b in pairwise(chain))
