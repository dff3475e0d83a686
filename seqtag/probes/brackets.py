"""Brackets: the type of each untyped closer, and whether a shuffle of brackets is balanced.

    ( [ / { / / ( /                     ] } ) )    at the closers "/", their openers' types
    ( [ ) { ] } ?                       yes        brackets may cross, each type is balanced

The first needs a stack (Dyck-k; Suzgun et al. 2019, Hewitt et al. 2020), the second a counter
for each type (shuffle-Dyck; Suzgun et al. 2019).

Both have the same factors:
    depth: the most brackets that are open at once, reached in every item.
    length: brackets of the string, opening and closing; even, and twice the depth at least.

The rises and falls of depth of an item are drawn uniformly from all that have these factors.
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
ASK = "?"
ANSWERS = ("yes", "no")
_LSTM_SOURCE = (
    "Suzgun, Gehrmann, Belinkov & Shieber 2019, LSTM Networks Can Perform Dynamic Counting"
)


class _Nested(Synthetic):
    """What both probes share: the factors and their values."""

    version = 1
    bidirectional_safe = True
    axis = "depth"
    unit = "brackets open at once"
    training = MappingProxyType({"depth": (1, 2, 3, 4), "length": tuple(range(8, 41, 2))})
    evaluation = MappingProxyType(
        {"depth": (1, 2, 3, 4, 5, 6, 8, 10, 12), "length": (40, 100, 200)}
    )
    quick = MappingProxyType({"depth": (1, 2, 4, 6, 8), "length": (40,)})

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return why no string has these factors and the nearest that one has; "" if one has."""
        depth, length = factors["depth"], factors["length"]
        if not depth:
            return "the least depth is 1"
        if length < 2 * depth:
            return f"the least length of this depth is {2 * depth}"
        return f"lengths are even: {length - 1} or {length + 1}" if length % 2 else ""

    def at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one depth: the shortest length that has room."""
        return {"depth": lag, "length": max(self.training["length"][0], 2 * lag)}


@register("brackets")
class BracketsProbe(_Nested):
    """The type of each closer, which its opener decides.

    Four types, each equally frequent at every closer, whatever the others are. About half of
    the closers stand right behind their opener: `last_cue` has those, and by chance some more,
    so that a score counts from there on.
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

    def asked(self, factors: Mapping[str, int]) -> int:
        """Return the number of closers."""
        return factors["length"] // 2

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item, its closers, and the opener of each."""
        opener_of = dict(zip(CLOSERS, OPENERS, strict=True))
        tokens: list[str] = []
        targets: list[int] = []
        cues: list[int] = []
        unclosed: list[int] = []
        for position, rises in enumerate(_rises(random, factors["depth"], factors["length"])):
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
        """Return the labels found by going back from each closer until openers outnumber closers.

        Raises:
            InputError: for a token that is no bracket, or a closer without an opener.
        """
        labels: Labels = []
        for position, token in enumerate(tokens):
            if token != UNTYPED and token not in CLOSER_OF:
                raise InputError(f"probe brackets: token {position + 1} is no bracket: {token!r}")
            label = None
            if token == UNTYPED:
                back, level = position, 1
                while level:
                    back -= 1
                    if back < 0:
                        raise InputError(f"probe brackets: token {position + 1} closes nothing")
                    level += 1 if tokens[back] == UNTYPED else -1
                label = CLOSER_OF[tokens[back]]
            labels.append(label)
        return labels

    def baselines(self) -> dict[str, Labeller]:
        """Return "last_cue": the type of the opener that came last, closed or not."""
        return {"last_cue": _last_opener}


@register("brackets_shuffle")
class ShuffleProbe(_Nested):
    """Whether every type of bracket is balanced, asked for behind the string; half are.

    Brackets of four types open and close in any order, none closing before one of its type is
    open. In a near miss one bracket is of another type: the string is as long and as deep, and
    opens and closes as often, but two types do not come out even. (Strings that come out even
    and close too early are not generated: where all openers come first there are none, and the
    depths would tell.) At depth 1 two neighbours tell, `( ]`.
    """

    name = "brackets_shuffle"
    labels = ANSWERS
    published = (Published("shuffles of 2 and of 6 types, by LSTM", "learnt", _LSTM_SOURCE),)

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item, its end as the target, and all brackets as cues."""
        tokens: list[str] = []
        unclosed: list[str] = []
        for rises in _rises(random, factors["depth"], factors["length"]):
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
        return [*tokens, ASK], [len(tokens)], list(range(len(tokens)))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels found by striking out, type by type, closers behind their openers.

        Raises:
            InputError: if the tokens are no brackets with a "?" behind them.
        """
        *string, ask = tokens or [""]
        if ask != ASK or not set(string) <= {*OPENERS, *CLOSERS}:
            raise InputError("probe brackets_shuffle: want brackets, and a ? at the end")
        balanced = True
        for opener, closer in CLOSER_OF.items():
            left = "".join(token for token in string if token in (opener, closer))
            while opener + closer in left:
                left = left.replace(opener + closer, "")
            balanced = balanced and not left
        return at_end(tokens, "yes" if balanced else "no")


def _rises(random: Callable[[], float], depth: int, length: int) -> list[bool]:
    """Return whether the depth rises at each step, for a string of exactly this depth."""
    steps = []
    height, reached = 0, False
    for chance in _chances(depth, length):
        rises = random() < chance[reached][height]
        height += 1 if rises else -1
        reached = reached or height == depth
        steps.append(rises)
    return steps


@cache
def _chances(depth: int, length: int) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Return the share of strings that go on with a rise: by step, depth reached or not, height.

    All strings that can still follow are counted, in whole numbers, from the end on.
    """
    none = [0] * (depth + 1)
    # By whether the depth has been reached and by height: how many ways lead to the end.
    ways = [list(none), [1, *none[1:]]]
    shares = []
    for _ in range(length):
        rising = [[*ways[reached][1:], 0] for reached in (False, True)]
        # A rise to the depth itself reaches it.
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
