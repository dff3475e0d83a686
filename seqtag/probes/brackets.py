"""Brackets: the type of each closing bracket, and whether interleaved brackets are balanced.

    ( [ / { / / ( /                     ] } ) )    the label of each "/" is the matching bracket
    ( [ ) { ] } ?                       yes        types may cross, but each is balanced

The first needs a stack (Dyck-k; Suzgun et al. 2019, Hewitt et al. 2020), the second a counter
for each type (shuffle-Dyck; Suzgun et al. 2019).

Both have the same factors:
    depth: the largest number of brackets open at once; each item reaches it.
    length: number of opening and closing brackets; even, and at least twice the depth.

The sequence of opening and closing steps is drawn uniformly from all that have these factors.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from seqtag.errors import InputError
from seqtag.probes.base import Labeller, Labels, Published, pick
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end

CLOSER_OF = MappingProxyType({"(": ")", "[": "]", "{": "}", "<": ">"})
OPENERS, CLOSERS = tuple(CLOSER_OF), tuple(CLOSER_OF.values())
UNTYPED = "/"
QUERY = "?"
ANSWERS = ("yes", "no")
_LSTM_SOURCE = (
    "Suzgun, Gehrmann, Belinkov & Shieber 2019, LSTM Networks Can Perform Dynamic Counting"
)


class _DepthProbe(Synthetic):
    """Base class of both probes: the factors and their values."""

    version = 1
    bidirectional_safe = True
    axis = "depth"
    unit = "brackets open at once"
    training = MappingProxyType({"depth": (1, 2, 3, 4), "length": tuple(range(8, 41, 2))})
    evaluation = MappingProxyType(
        {"depth": (1, 2, 3, 4, 5, 6, 8, 10, 12), "length": (40, 100, 200)}
    )
    quick = MappingProxyType({"depth": (1, 2, 4, 6, 8), "length": (40,)})

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return why no string can have these factors, with the nearest possible value, else ""."""
        depth, length = factors["depth"], factors["length"]
        if not depth:
            return "the least depth is 1"
        if length < 2 * depth:
            return f"the least length of this depth is {2 * depth}"
        return f"lengths are even: {length - 1} or {length + 1}" if length % 2 else ""

    def factors_at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one depth, at the shortest possible length."""
        return {"depth": lag, "length": max(self.training["length"][0], 2 * lag)}


@register("brackets")
class BracketsProbe(_DepthProbe):
    """The type of each closing bracket, which is that of its opening bracket.

    There are four types, equally frequent at each closing bracket and independent of each other.
    About half of the closing brackets directly follow their opening bracket. The baseline
    `last_cue` solves those and, by chance, some others, so it is the score to compare with.
    """

    name = "brackets"
    labels = CLOSERS
    published = (
        Published(
            "hidden units that are enough for k types down to depth m, RNN and LSTM",
            "O(m log k)",
            "Hewitt, Hahn, Ganguli, Liang & Manning 2020",
        ),
        Published("Dyck-2 without a bound, by RNN, GRU or LSTM", "not learnt", _LSTM_SOURCE),
    )

    def target_count(self, factors: Mapping[str, int]) -> int:
        """Return the number of closing brackets."""
        return factors["length"] // 2

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the closing brackets as targets, and their openers as cues."""
        opener_of = dict(zip(CLOSERS, OPENERS, strict=True))
        tokens: list[str] = []
        targets: list[int] = []
        cues: list[int] = []
        unclosed: list[int] = []
        steps = random_rises(random, factors["depth"], factors["length"])
        for position, rises in enumerate(steps):
            if rises:
                unclosed.append(position)
                tokens.append("")
            else:
                cues.append(unclosed.pop())
                tokens[cues[-1]] = opener_of[answers[len(targets)]]
                targets.append(position)
                tokens.append(UNTYPED)
        return tokens, targets, cues

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by searching backwards from each closer for its opener.

        Raises:
            InputError: for a token that is not a bracket, or a closer without an opener.
        """
        labels: Labels = []
        for position, token in enumerate(tokens):
            if token != UNTYPED and token not in CLOSER_OF:
                raise InputError(
                    f"probe brackets: token {position + 1} is not a bracket: {token!r}"
                )
            label = None
            if token == UNTYPED:
                back, level = position, 1
                while level:
                    back -= 1
                    if back < 0:
                        raise InputError(
                            f"probe brackets: token {position + 1} closes no open bracket"
                        )
                    level += 1 if tokens[back] == UNTYPED else -1
                label = CLOSER_OF[tokens[back]]
            labels.append(label)
        return labels

    def baselines(self) -> dict[str, Labeller]:
        """Return "last_cue", which predicts the type of the latest opener, even if it is closed."""
        return {"last_cue": _last_opener}


@register("brackets_shuffle")
class ShuffleProbe(_DepthProbe):
    """Whether each type of bracket is balanced, labelled after the string; half of the items are.

    Brackets of four types open and close in any order, but none closes unless one of its type is
    open. In an unbalanced string the type of one bracket is replaced: length, depth and the
    numbers of openers and closers stay the same, but two types are unbalanced. (Strings in which
    a type closes before it opens are not generated: a string with all openers first cannot have
    this error, so depths would reveal the label.) At depth 1 two adjacent tokens reveal it: `( ]`.
    """

    name = "brackets_shuffle"
    labels = ANSWERS
    published = (Published("shuffles of 2 and of 6 types, by LSTM", "learnt", _LSTM_SOURCE),)

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the final "?" as target, and all brackets as cues."""
        tokens: list[str] = []
        unclosed: list[str] = []
        for rises in random_rises(random, factors["depth"], factors["length"]):
            if rises:
                tokens.append(pick(random, OPENERS))
                unclosed.append(tokens[-1])
            else:
                opener = unclosed.pop(int(random() * len(unclosed)))
                tokens.append(CLOSER_OF[opener])
        if answers[0] == "no":
            position = int(random() * len(tokens))
            side = OPENERS if tokens[position] in OPENERS else CLOSERS
            others = [bracket for bracket in side if bracket != tokens[position]]
            tokens[position] = pick(random, others)
        return [*tokens, QUERY], [len(tokens)], list(range(len(tokens)))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by cancelling adjacent pairs of each type in turn.

        Raises:
            InputError: if the tokens are not brackets followed by "?".
        """
        *string, query = tokens or [""]
        if query != QUERY or not set(string) <= {*OPENERS, *CLOSERS}:
            raise InputError("probe brackets_shuffle: expected brackets followed by ?")
        balanced = True
        for opener, closer in CLOSER_OF.items():
            rest = "".join(token for token in string if token in (opener, closer))
            while opener + closer in rest:
                rest = rest.replace(opener + closer, "")
            balanced = balanced and not rest
        return at_end(tokens, "yes" if balanced else "no")


def random_rises(random: Callable[[], float], depth: int, length: int) -> list[bool]:
    """Return whether each bracket of a random string of exactly this depth opens (or closes)."""
    steps = []
    height, reached = 0, False
    for probability in _rise_probabilities(depth, length):
        rises = random() < probability[reached][height]
        height += 1 if rises else -1
        reached = reached or height == depth
        steps.append(rises)
    return steps


@cache
def _rise_probabilities(depth: int, length: int) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Return the probability that the next bracket opens, indexed [step][depth reached][height].

    It is the share of the possible rests of the string that begin with an opening bracket. They
    are counted exactly, in integers, from the end of the string to its beginning.
    """
    zeros = [0] * (depth + 1)
    # ways[depth reached][height]: the number of ways to complete the string.
    ways = [list(zeros), [1, *zeros[1:]]]
    shares = []
    for _ in range(length):
        rising = [[*ways[reached][1:], 0] for reached in (False, True)]
        # Opening up to the full depth changes "not reached" to "reached".
        rising[False][depth - 1] = ways[True][depth]
        falling = [[0, *ways[reached][:-1]] for reached in (False, True)]
        ways = [
            [up + down for up, down in zip(*both, strict=True)]
            for both in zip(rising, falling, strict=True)
        ]
        shares.append(
            tuple(
                tuple(up / total if up else 0.0 for up, total in zip(*both, strict=True))
                for both in zip(rising, ways, strict=True)
            )
        )
    return tuple(reversed(shares))


def _last_opener(tokens: Sequence[str]) -> Labels:
    labels: Labels = []
    last = OPENERS[0]
    for token in tokens:
        last = last if token == UNTYPED else token
        labels.append(CLOSER_OF[last] if token == UNTYPED else None)
    return labels
