"""Associative recall: the current value of a key, also after the key got a new value.

    c 7 f 0 a 7 . . f . a . . . c        the labels of the last f, a and c are 0, 7 and 7

Pairs of key and value, then each key once more (a query) among blanks: the multi-query
associative recall of Arora et al. (2023), "Zoology". In `recall_forget` some keys are assigned
again, with another value; the last value is the label.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, ProbeItem, pick, shuffled
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, random_positions

KEYS = tuple("abcdefghijklmnopqrstuvwxyz")
VALUES = tuple("0123456789")
BLANK = "."
_TRAINING = {"length": tuple(range(16, 65)), "pairs": (1, 2, 3, 4)}
_EVALUATION = {"length": (16, 32, 64, 128, 256, 512), "pairs": (2, 4, 8, 16)}
_QUICK = {"length": (16, 32, 64, 128, 256), "pairs": (4,)}


@register("recall")
@register("recall_forget", forget=True)
class RecallProbe(Synthetic):
    """The value of a key, labelled at the query: the last occurrence of the key, among blanks.

    Factors:
        length: tokens of the sequence.
        pairs: number of different keys; values are drawn independently, and each key is queried
            once.
        reassigned: number of further pairs that assign another value to a key (if `forget`).

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

    def target_count(self, factors: Mapping[str, int]) -> int:
        """Return the number of queries."""
        return factors["pairs"]

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if pairs and queries do not fit or are not 1 to 26, else ""."""
        pairs = factors["pairs"]
        if not 1 <= pairs <= len(KEYS):
            return f"the number of pairs is 1 to {len(KEYS)}"
        least = 3 * pairs + 2 * factors.get("reassigned", 0)
        return f"the least length for these pairs is {least}" if factors["length"] < least else ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the queries as targets, and the values of all pairs as cues."""
        queries = shuffled(random, KEYS)[: factors["pairs"]]
        reassigned = [pick(random, queries) for _ in range(factors.get("reassigned", 0))]
        keys = shuffled(random, queries + reassigned)
        tokens = _assign(random, keys, dict(zip(queries, answers, strict=True)))
        begin = len(tokens)
        blanks = factors["length"] - begin
        tokens += [BLANK] * blanks
        targets = [begin + offset for offset in random_positions(random, len(queries), blanks)]
        for target, key in zip(targets, queries, strict=True):
            tokens[target] = key
        return tokens, targets, list(range(1, begin, 2))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, read from a dict that all pairs were written to in order."""
        return _read(tokens, dict(_pairs(tokens)))

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that answer all queries with the value of the first or the last pair.

        In `recall_forget`, "first_cue" answers with the first value of the queried key instead.
        """

        def first(tokens: Sequence[str]) -> Labels:
            pairs = _pairs(tokens)
            return _read(tokens, dict(pairs[::-1]) if self.forget else _for_all(pairs[0][1]))

        return {
            "first_cue": first,
            "last_cue": lambda tokens: _read(tokens, _for_all(_pairs(tokens)[-1][1])),
        }

    def error_kind(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return the kind of error: "stale", "capture" or "wrong"; "" if the prediction is right.

        stale: an earlier value of the key, even if another key has it too. capture: a value of
        another key only. wrong: a value of no key.
        """
        if predicted == item.labels[target]:
            return ""
        pairs = _pairs(item.tokens)
        if (item.tokens[target], predicted) in pairs:
            return "stale"
        return "capture" if predicted in item.tokens else "wrong"


def _assign(random: Callable[[], float], keys: Sequence[str], last: Mapping[str, str]) -> list[str]:
    """Return key-value pairs as tokens: a key ends with its value in `last`.

    Earlier pairs of a key have random values, each different from the key's next value.
    """
    tokens: list[str] = []
    later: dict[str, str] = {}
    for key in reversed(keys):
        others = [value for value in VALUES if value != later[key]] if key in later else [last[key]]
        later[key] = pick(random, others)
        tokens += (later[key], key)
    return tokens[::-1]


def _pairs(tokens: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of key and value, in order."""
    return [(key, value) for key, value in pairwise(tokens) if value in VALUES]


def _read(tokens: Sequence[str], memory: Mapping[str, str]) -> Labels:
    """Return the labels: at each query (a key that no value follows), the key's value in memory."""
    followers = (*tokens[1:], BLANK)
    return [
        None if follower in VALUES else memory.get(token)
        for token, follower in zip(tokens, followers, strict=True)
    ]


def _for_all(value: str) -> dict[str, str]:
    return dict.fromkeys(KEYS, value)
