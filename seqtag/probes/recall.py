"""Associative recall, and its forgetting form: the value that a key has now.

    c 7 f 0 a 7 . . f . a . . . c        the labels of the last f, a and c are 0, 7 and 7

Pairs of key and value, then each key once more among blanks: multi-query associative recall of
Arora et al. (2023), "Zoology". In the forgetting form keys are given again with another value,
and the last one counts.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, ProbeItem, pick, shuffled
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, places

KEYS = tuple("abcdefghijklmnopqrstuvwxyz")
VALUES = tuple("0123456789")
BLANK = "."
_TRAINING = {"length": tuple(range(16, 65)), "pairs": (1, 2, 3, 4)}
_EVALUATION = {"length": (16, 32, 64, 128, 256, 512), "pairs": (2, 4, 8, 16)}
_QUICK = {"length": (16, 32, 64, 128, 256), "pairs": (4,)}


@register("recall")
@register("recall_forget", forget=True)
class RecallProbe(Synthetic):
    """The value of a key, asked for where the key comes again.

    Factors:
        length: tokens of the sequence.
        pairs: different keys, each with a value of its own drawing, and each asked for once.
        reassigned: further pairs of a key already given and another value (if `forget`).

    Args:
        forget: whether keys are reassigned.
    """

    version = 1
    labels = VALUES
    bidirectional_safe = True
    axis = "length"
    unit = "tokens of the sequence"

    def __init__(self, forget: bool = False) -> None:
        self.forget = forget
        self.name = "recall_forget" if forget else "recall"
        training, evaluation, quick = _TRAINING, _EVALUATION, _QUICK
        if forget:
            training = training | {"reassigned": (1, 2, 3)}
            evaluation = evaluation | {"reassigned": (1, 2, 4, 8)}
            quick = quick | {"reassigned": (2,)}
        self.training = MappingProxyType(training)
        self.evaluation = MappingProxyType(evaluation)
        self.quick = MappingProxyType(quick)

    def asked(self, factors: Mapping[str, int]) -> int:
        """Return how many queries there are."""
        return factors["pairs"]

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that there must be one key to 26, and room for pairs and queries, or ""."""
        pairs = factors["pairs"]
        if not 1 <= pairs <= len(KEYS):
            return f"there are 1 to {len(KEYS)} pairs"
        least = 3 * pairs + 2 * factors.get("reassigned", 0)
        return f"the least length for these pairs is {least}" if factors["length"] < least else ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item with these answers, its targets and its cues."""
        queries = shuffled(random, KEYS)[: factors["pairs"]]
        again = [pick(random, queries) for _ in range(factors.get("reassigned", 0))]
        given = shuffled(random, queries + again)
        tokens = _assign(random, given, dict(zip(queries, answers, strict=True)))
        begin = len(tokens)
        tokens += [BLANK] * (factors["length"] - begin)
        targets = [begin + place for place in places(random, len(queries), len(tokens) - begin)]
        for target, key in zip(targets, queries, strict=True):
            tokens[target] = key
        return tokens, targets, list(range(1, begin, 2))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: the pairs are written to a memory one after the other, then read."""
        return _read(tokens, dict(_pairs(tokens)))

    def baselines(self) -> dict[str, Labeller]:
        """Return solvers that give the value of the first pair, or of the last, to every key.

        In the forgetting form "first_cue" is one that does not forget: it gives each key the
        first value that this key had.
        """

        def first(tokens: Sequence[str]) -> Labels:
            pairs = _pairs(tokens)
            return _read(tokens, dict(pairs[::-1]) if self.forget else _for_all(pairs[0][1]))

        return {
            "first_cue": first,
            "last_cue": lambda tokens: _read(tokens, _for_all(_pairs(tokens)[-1][1])),
        }

    def error(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return "stale" (an earlier value of the key), "capture" (one of another key), or "".

        A value that both had counts as stale; one that no key had is "wrong".
        """
        if predicted == item.labels[target]:
            return ""
        pairs = _pairs(item.tokens)
        if (item.tokens[target], predicted) in pairs:
            return "stale"
        return "capture" if predicted in item.tokens else "wrong"


def _assign(
    random: Callable[[], float], given: Sequence[str], last: Mapping[str, str]
) -> list[str]:
    """Return each key with a value: its last one where that is, another before the same key."""
    tokens: list[str] = []
    later: dict[str, str] = {}
    for key in reversed(given):
        others = [value for value in VALUES if value != later[key]] if key in later else [last[key]]
        later[key] = pick(random, others)
        tokens += (later[key], key)
    return tokens[::-1]


def _pairs(tokens: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of key and value in their order."""
    return [(key, value) for key, value in pairwise(tokens) if value in VALUES]


def _read(tokens: Sequence[str], memory: Mapping[str, str]) -> Labels:
    """Return the labels of the keys that no value follows: what the memory has for them."""
    followers = (*tokens[1:], BLANK)
    return [
        None if follower in VALUES else memory.get(token)
        for token, follower in zip(tokens, followers, strict=True)
    ]


def _for_all(value: str) -> dict[str, str]:
    return dict.fromkeys(KEYS, value)
