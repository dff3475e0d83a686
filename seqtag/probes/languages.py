"""Formal languages of the probes of recognition: strings of the language, and a test for others."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from seqtag.probes.base import pick
from seqtag.probes.brackets import random_rises
from seqtag.probes.synthetic import noise

_AB = ("a", "b")
MARK = "#"
# Pairs of brackets of the language dyck, and its greatest depth.
_PAIRS, _DEPTH = {"(": ")", "[": "]"}, 3


class Language(NamedTuple):
    """A formal language.

    Attributes:
        symbols: its alphabet.
        draw: returns a random string of the language with a given length.
        contains: returns whether a string over the alphabet is in the language.
        step: lengths are multiples of this, plus `rest`.
        rest: see `step`.
    """

    symbols: tuple[str, ...]
    draw: Callable[[Callable[[], float], int], list[str]]
    contains: Callable[[Sequence[str]], bool]
    step: int = 1
    rest: int = 0


def _first(random: Callable[[], float], length: int) -> list[str]:
    return ["b", *noise(random, _AB, length - 1)]


def _majority(random: Callable[[], float], length: int) -> list[str]:
    while True:
        string = noise(random, _AB, length)
        if string.count("b") > string.count("a"):
            return string


def _dyck(random: Callable[[], float], length: int) -> list[str]:
    depth = 1 + int(random() * min(_DEPTH, length // 2))
    string: list[str] = []
    unclosed: list[str] = []
    for rises in random_rises(random, depth, length):
        if rises:
            unclosed.append(pick(random, tuple(_PAIRS)))
        string.append(unclosed[-1] if rises else _PAIRS[unclosed.pop()])
    return string


def _is_dyck(string: Sequence[str]) -> bool:
    unclosed: list[str] = []
    for bracket in string:
        if bracket in _PAIRS:
            unclosed.append(bracket)
        elif not unclosed or _PAIRS[unclosed.pop()] != bracket:
            return False
        if len(unclosed) > _DEPTH:
            return False
    return not unclosed


def _reversal(random: Callable[[], float], length: int) -> list[str]:
    half = noise(random, _AB, length // 2)
    return half + half[::-1]


def _marked_reversal(random: Callable[[], float], length: int) -> list[str]:
    half = noise(random, _AB, length // 2)
    return [*half, MARK, *half[::-1]]


def _marked_copy(random: Callable[[], float], length: int) -> list[str]:
    half = noise(random, _AB, length // 2)
    return [*half, MARK, *half]


def _marked(string: Sequence[str]) -> bool:
    """Return whether there is one mark, in the middle."""
    return list(string).count(MARK) == 1 and string[len(string) // 2] == MARK


# From regular ones (the first three) to a context-sensitive one (the last).
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        "first": Language(_AB, _first, lambda string: string[0] == "b"),
        "repeat": Language(
            _AB,
            lambda random, length: ["a", "b"] * (length // 2),
            lambda string: list(string) == ["a", "b"] * (len(string) // 2),
            step=2,
        ),
        "dyck": Language((*_PAIRS, *_PAIRS.values()), _dyck, _is_dyck, step=2),
        "majority": Language(
            _AB, _majority, lambda string: 2 * list(string).count("b") > len(string)
        ),
        "marked_reversal": Language(
            (*_AB, MARK),
            _marked_reversal,
            lambda string: _marked(string) and list(string) == list(reversed(string)),
            step=2,
            rest=1,
        ),
        "reversal": Language(
            _AB,
            _reversal,
            lambda string: len(string) % 2 == 0 and list(string) == list(reversed(string)),
            step=2,
        ),
        "marked_copy": Language(
            (*_AB, MARK),
            _marked_copy,
            lambda string: (
                _marked(string) and string[: len(string) // 2] == string[len(string) // 2 + 1 :]
            ),
            step=2,
            rest=1,
        ),
    }
)
