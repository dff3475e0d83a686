"""Counting: a^n b^n and a^n b^n c^n, as next-symbol prediction or as membership.

    a a a b b b                  a|b a|b a|b b b $      the legal next symbols ($: end of string)
    a a a b b b c c c ?          yes                    is the string in the language?

The first form is that of Gers & Schmidhuber 2001 (and of Weiss, Goldberg & Yahav 2018, who show
that an LSTM of finite precision can count and a GRU cannot): all strings are in the language, and
the label of each symbol is the set of legal next symbols. The second form is fair for a
bidirectional model.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, groupby, pairwise
from types import MappingProxyType

from seqtag.errors import InputError
from seqtag.probes.base import Labels, Probe, ProbeItem, Published, shuffled
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end

END = "$"
QUERY = "?"
ANSWERS = ("yes", "no")
_UNIT = "symbols of each kind"
_QUICK = (5, 20, 50, 100, 200)
_PUBLISHED = (
    Published(
        "a^n b^n, LSTM trained to n = 100: right to n", "256", "Weiss, Goldberg & Yahav 2018"
    ),
    Published(
        "a^n b^n c^n, LSTM trained to n = 10 with a Kalman filter: right to n",
        "1000",
        "Gers, Pérez-Ortiz, Eck & Schmidhuber 2002",
    ),
)


@register("counting_ab", name="counting_ab", symbols="ab")
@register("counting_abc", name="counting_abc", symbols="abc")
class CountingProbe(Probe):
    """The set of legal next symbols after each symbol; a string counts if all labels are right.

    The only factor is `n`. There is one string per n, so all items of an n are equal, in every
    split, and judging one is enough: only the trained models differ. A model is always
    right up to the n just before the first one whose accuracy is below 1; the grid has every n up
    to 100.

    For forward models only: the next token is a legal next symbol, and so reveals the label. The
    labels are not balanced: `$` occurs once per string.

    Args:
        name: the probe's name.
        symbols: the symbols in order: "ab" or "abc".
    """

    version = 1
    bidirectional_safe = False
    axis = "n"
    unit = _UNIT
    whole = True
    training = MappingProxyType({"n": tuple(range(1, 51))})
    evaluation = MappingProxyType(
        {"n": (*range(1, 101), *range(110, 201, 10), *range(250, 1001, 50))}
    )
    quick = MappingProxyType({"n": _QUICK})
    published = _PUBLISHED

    def __init__(self, name: str, symbols: str) -> None:
        self.name = name
        self.symbols = tuple(symbols)
        first, *rest = self.symbols
        self.labels = (f"{first}|{rest[0]}", *rest, END)

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` copies of the string with the factor n.

        Raises:
            InputError: for an unknown split or factor, or a factor n of 0.
        """
        size = self.complete(n, split, factors)["n"]
        undecided, *rest = self.labels
        labels = [undecided] * size
        for symbol, next_symbol in pairwise(rest):
            labels += [symbol] * (size - 1) + [next_symbol]
        item = ProbeItem(
            tokens=tuple(symbol for symbol in self.symbols for _ in range(size)),
            labels=tuple(labels),
            targets=tuple(range(len(labels))),
            factors={"n": size},
            cue_positions=tuple(range(size - 1, len(labels) - 1, size)),
        )
        return [item] * n

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels of a string or a prefix of one, computed with a counter per symbol.

        Raises:
            InputError: for a symbol that is not legal at its position.
        """
        counts = dict.fromkeys(self.symbols, 0)
        legal = self.symbols[0]
        labels: Labels = []
        for position, token in enumerate(tokens):
            if token not in legal.split("|"):
                raise InputError(
                    f"probe {self.name}: token {position + 1} is {token!r}; expected {legal}"
                )
            counts[token] += 1
            legal = self._legal(counts)
            labels.append(legal)
        return labels

    def chance(self, factors: Mapping[str, int]) -> float:
        """Return the probability that guesses at all targets are right: labels ^ −targets."""
        size = self.complete(0, "test", factors)["n"]
        return float(len(self.labels)) ** -(size * len(self.symbols))

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if n is 0, else ""."""
        return "" if factors["n"] else "the least n is 1"

    def _legal(self, counts: Mapping[str, int]) -> str:
        first, *rest = self.symbols
        if not any(counts[symbol] for symbol in rest):
            return self.labels[0]
        return next((symbol for symbol in rest if counts[symbol] < counts[first]), END)


@register("counting_ab_member", name="counting_ab_member", symbols="ab")
@register("counting_abc_member", name="counting_abc_member", symbols="abc")
class MembershipProbe(Synthetic):
    """Whether a string is in the language, labelled at its end; half of the strings are.

    Factors:
        n: symbols of each kind in a string of the language.
        off: a string that is not in the language has this many symbols too many of one kind and
            too few of another, so that neither its length nor any pair of adjacent symbols
            reveals the label. (Strings with symbols in a wrong order are not generated, because
            one adjacent pair would reveal it.)

    Args:
        name: the probe's name.
        symbols: the symbols in order: "ab" or "abc".
    """

    version = 1
    labels = ANSWERS
    bidirectional_safe = True
    axis = "n"
    unit = _UNIT
    training = MappingProxyType({"n": tuple(range(2, 51)), "off": (1, 2, 3)})
    evaluation = MappingProxyType(
        {
            "n": (5, 10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 750, 1000),
            "off": (1, 3),
        }
    )
    quick = MappingProxyType({"n": _QUICK, "off": (1,)})
    published = _PUBLISHED

    def __init__(self, name: str, symbols: str) -> None:
        self.name = name
        self.symbols = tuple(symbols)

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return why these factors allow no near miss, and the least n that does, else ""."""
        if not factors["off"]:
            return "the least off is 1"
        least = factors["off"] + 1
        return "" if factors["n"] >= least else f"the least n is {least}"

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the final "?" as target, and the last symbol of each kind as cues."""
        sizes = dict.fromkeys(self.symbols, factors["n"])
        if answers[0] == "no":
            more, fewer, *_ = shuffled(random, self.symbols)
            sizes[more] += factors["off"]
            sizes[fewer] -= factors["off"]
        string = [symbol for symbol, size in sizes.items() for _ in range(size)]
        return [*string, QUERY], [len(string)], [end - 1 for end in accumulate(sizes.values())]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, computed from the lengths of the runs of equal symbols.

        Raises:
            InputError: if the tokens are not symbols of the language followed by "?".
        """
        *string, query = tokens or [""]
        if query != QUERY or not set(string) <= set(self.symbols):
            known = ", ".join(self.symbols)
            raise InputError(f"probe {self.name}: expected a string of {known} followed by ?")
        runs = [(symbol, len(list(run))) for symbol, run in groupby(string)]
        ordered = tuple(symbol for symbol, _ in runs) == self.symbols
        equal = len({size for _, size in runs}) == 1
        return at_end(tokens, "yes" if ordered and equal else "no")
