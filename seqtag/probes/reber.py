"""The embedded Reber grammar: the second symbol decides the last but one.

    B T B P V P X T V V E ? E        the symbol at "?" is T, as the second one is

A string of Reber's grammar (Reber 1967) stands between two symbols that are the same, T or P
(Cleeremans, Servan-Schreiber & McClelland 1989; Fahlman 1991; Hochreiter & Schmidhuber 1997,
experiment 1). Their nets predict the next symbol; here the last but one is hidden and named, so
that it does not tell itself. The inner string is full of T and P that say nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from seqtag.errors import InputError
from seqtag.probes.base import Labeller, Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic

OUTER = ("T", "P")
HIDDEN = "?"
# Reber's grammar behind its B: at each node two ways on, a symbol and the node it leads to.
# From the last node the string closes with E.
_WAYS = (
    (("T", 1), ("P", 2)),
    (("S", 1), ("X", 3)),
    (("T", 2), ("V", 4)),
    (("X", 2), ("S", 5)),
    (("P", 3), ("V", 5)),
)
_LAST = len(_WAYS)
# The symbols of an embedded string that are no steps of the inner walk: B T B at the front,
# E T E at the back.
_FRAME = 6
_SHORTEST = 9
# The same grammar as a regular expression, with the outer symbols around it; the end may lack.
_STRING = re.compile(r"B([TP])B(?:(?:TS*X|PT*VP)(?:XT*VP)*(?:S|XT*VV)|PT*VV)E\?E?")


@register("reber")
class ReberProbe(Synthetic):
    """The outer symbol, asked for behind the inner string.

    The one factor is `length`, of the whole string, at least 9. Training has natural lengths:
    both ways on from a node are equally likely, which makes 1 string in 4 the shortest and all
    but 1 in 800 fall into the training range. Strings of one length are then equally likely,
    and so they are here, at any length.
    """

    name = "reber"
    version = 1
    labels = OUTER
    bidirectional_safe = True
    axis = "length"
    unit = "symbols of the string"
    training = MappingProxyType({"length": tuple(range(_SHORTEST, 31))})
    evaluation = MappingProxyType({"length": (10, 15, 20, 30, 60, 100, 150, 200, 300)})
    quick = MappingProxyType({"length": (10, 15, 30, 60, 120)})
    published = (
        Published(
            "LSTM predicts every symbol of the natural lengths",
            "all but 2 of 150 runs, after 8,440 to 39,740 sequences",
            "Hochreiter & Schmidhuber 1997, table 2",
        ),
        Published(
            "recurrent cascade correlation; Elman net",
            "half of the runs after 182,000 sequences; none after 200,000",
            "Fahlman 1991; Cleeremans et al. 1989; both as cited there",
        ),
    )

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that a string is longer, or ""."""
        return "" if factors["length"] >= _SHORTEST else f"the least length is {_SHORTEST}"

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item with this answer, its target and its cue."""
        (outer,) = answers
        inner = _walk(random, factors["length"] - _FRAME)
        tokens = ["B", outer, "B", *inner, "E", HIDDEN, "E"]
        return tokens, [len(tokens) - 2], [1]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels found by matching the string, up to the hidden symbol at least.

        Raises:
            InputError: if the tokens are no string of the grammar.
        """
        text = "".join(tokens)
        found = _STRING.fullmatch(text)
        if not found:
            raise InputError(f"probe reber: no string of the embedded grammar: {text}")
        return _at_hidden(tokens, found[1])

    def baselines(self) -> dict[str, Labeller]:
        """Return "last_cue", the last T or P before the hidden one; the first is the answer."""
        return {"last_cue": lambda tokens: _at_hidden(tokens, _last_outer(tokens))}

    def draw(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the length of a string in a mixed corpus: in training as the grammar has it."""
        if split in self.judged:
            return super().draw(random, split, number)
        while (length := _natural_length(random)) not in self.training["length"]:
            pass
        return {"length": length}


def _walk(random: Callable[[], float], steps: int) -> list[str]:
    """Return the symbols of a walk of so many steps, each such walk as likely as the others."""
    symbols = []
    node = 0
    for chance in reversed(_chances(steps)):
        symbol, node = _WAYS[node][random() >= chance[node]]
        symbols.append(symbol)
    return symbols


@cache
def _chances(steps: int) -> tuple[tuple[float, ...], ...]:
    """Return, by steps left (from 1 on) and node, the share of the walks that go the first way.

    The walks from each node to the last one are counted, in whole numbers.
    """
    walks = [0] * _LAST + [1]
    shares = []
    for _ in range(steps):
        counts = [(walks[first], walks[second]) for (_, first), (_, second) in _WAYS]
        shares.append(tuple(one / (one + other) if one else 0.0 for one, other in counts))
        walks = [one + other for one, other in counts] + [0]
    return tuple(shares)


def _natural_length(random: Callable[[], float]) -> int:
    """Return the length of a string whose ways are tossed with a fair coin."""
    node, length = 0, _FRAME
    while node != _LAST:
        _, node = _WAYS[node][random() >= 0.5]
        length += 1
    return length


def _at_hidden(tokens: Sequence[str], label: str) -> Labels:
    return [label if token == HIDDEN else None for token in tokens]


def _last_outer(tokens: Sequence[str]) -> str:
    return next(token for token in reversed(tokens) if token in OUTER)
