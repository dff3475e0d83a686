"""The embedded Reber grammar: the last symbol but one is the same as the second.

    B T B P V P X T V V E ? E        the label of "?" is T, the second symbol

A string of Reber's grammar (Reber 1967) is embedded between two equal symbols, T or P (Cleeremans,
Servan-Schreiber & McClelland 1989; Fahlman 1991; Hochreiter & Schmidhuber 1997, experiment 1).
Their networks predict the next symbol. Here the last symbol but one is masked by "?" and is the
label. The many T and P of the inner string give no information about it.
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
MASKED = "?"
# Reber's grammar after the initial B: each node has two transitions (symbol, next node).
# From the final node the string ends with E.
_TRANSITIONS = (
    (("T", 1), ("P", 2)),
    (("S", 1), ("X", 3)),
    (("T", 2), ("V", 4)),
    (("X", 2), ("S", 5)),
    (("P", 3), ("V", 5)),
)
_FINAL = len(_TRANSITIONS)
# Symbols of an embedded string outside the walk through the grammar: B T B before it, E T E
# after it.
_FRAME_LENGTH = 6
_MIN_LENGTH = 9
# The same grammar as a regular expression, with the outer symbols; the final E is optional.
_STRING = re.compile(r"B([TP])B(?:(?:TS*X|PT*VP)(?:XT*VP)*(?:S|XT*VV)|PT*VV)E\?E?")


@register("reber")
class ReberProbe(Synthetic):
    """The outer symbol, labelled after the inner string.

    The only factor is `length`, of the whole string, at least 9. Training has natural lengths: both
    transitions of a node are equally likely, so 1 string in 4 has the least length, and all but 1
    in 800 lie within the training range. All strings of one length are then equally likely; this
    also holds for the items generated at a given length.
    """

    name = "reber"
    version = 1
    labels = OUTER
    bidirectional_safe = True
    axis = "length"
    unit = "symbols of the string"
    training = MappingProxyType({"length": tuple(range(_MIN_LENGTH, 31))})
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

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if the length is below 9, else ""."""
        return "" if factors["length"] >= _MIN_LENGTH else f"the least length is {_MIN_LENGTH}"

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the "?" as target, and the second symbol as cue."""
        (outer,) = answers
        inner = _random_walk(random, factors["length"] - _FRAME_LENGTH)
        tokens = ["B", outer, "B", *inner, "E", MASKED, "E"]
        return tokens, [len(tokens) - 2], [1]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by matching the string with a regular expression.

        The string may end after the masked symbol.

        Raises:
            InputError: if the tokens are not a string of the embedded grammar.
        """
        text = "".join(tokens)
        match = _STRING.fullmatch(text)
        if not match:
            raise InputError(f"probe reber: not a string of the embedded grammar: {text}")
        return _label_at_masked(tokens, match[1])

    def baselines(self) -> dict[str, Labeller]:
        """Return "last_cue", which predicts the last T or P; the first one is the answer."""
        return {"last_cue": lambda tokens: _label_at_masked(tokens, _last_outer(tokens))}

    def draw_factors(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the length of a string in a mixed corpus; in training a natural length."""
        if split in self.judged:
            return super().draw_factors(random, split, number)
        while (length := _natural_length(random)) not in self.training["length"]:
            pass
        return {"length": length}


def _random_walk(random: Callable[[], float], steps: int) -> list[str]:
    """Return the symbols of a random walk; all walks with this many steps are equally likely."""
    symbols = []
    node = 0
    for probability in reversed(_first_probabilities(steps)):
        symbol, node = _TRANSITIONS[node][random() >= probability[node]]
        symbols.append(symbol)
    return symbols


@cache
def _first_probabilities(steps: int) -> tuple[tuple[float, ...], ...]:
    """Return the probability of a node's first transition, indexed [steps left − 1][node].

    It is the share of the possible walks to the final node that begin with this transition; walks
    are counted exactly, in integers.
    """
    walks = [0] * _FINAL + [1]
    shares = []
    for _ in range(steps):
        counts = [(walks[first], walks[second]) for (_, first), (_, second) in _TRANSITIONS]
        shares.append(tuple(one / (one + other) if one else 0.0 for one, other in counts))
        walks = [one + other for one, other in counts] + [0]
    return tuple(shares)


def _natural_length(random: Callable[[], float]) -> int:
    """Return the length of a random string in which both transitions are equally likely."""
    node, length = 0, _FRAME_LENGTH
    while node != _FINAL:
        _, node = _TRANSITIONS[node][random() >= 0.5]
        length += 1
    return length


def _label_at_masked(tokens: Sequence[str], label: str) -> Labels:
    return [label if token == MASKED else None for token in tokens]


def _last_outer(tokens: Sequence[str]) -> str:
    return next(token for token in reversed(tokens) if token in OUTER)
