"""Selective copying: repeat the letters in order, without the blanks between them.

    . . f . b . . . f . ? ? ?        the labels of the "?" are f, b and f

The task of Gu & Dao (2023), "Mamba", section 4.1.1, after the copying tasks of Arjovsky, Shah &
Bengio (2016) and Hochreiter & Schmidhuber (1997). They copy 16 tokens out of 4096.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, ProbeItem
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, random_positions

LETTERS = tuple("abcdefghij")
BLANK = "."
QUERY = "?"


@register("copy")
class CopyProbe(Synthetic):
    """The letters of a sequence, labelled one by one at the queries after it.

    Letters may repeat. All queries are the same token, so the model must keep count of the
    letters it has already repeated.

    Factors:
        length: letters and blanks before the queries.
        items: number of letters, which is also the number of queries.
    """

    name = "copy"
    version = 1
    labels = LETTERS
    bidirectional_safe = True
    axis = "length"
    unit = "letters and blanks before the queries"
    training = MappingProxyType({"length": tuple(range(8, 65)), "items": (1, 2, 3, 4, 6, 8)})
    evaluation = MappingProxyType({"length": (16, 32, 64, 128, 256, 512), "items": (2, 4, 8, 16)})
    quick = MappingProxyType({"length": (16, 32, 64, 128, 256), "items": (4,)})

    def target_count(self, factors: Mapping[str, int]) -> int:
        """Return the number of queries."""
        return factors["items"]

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if there are no letters or they do not fit, else ""."""
        if not factors["items"]:
            return "the least number of items is 1"
        if factors["length"] < factors["items"]:
            return f"the least length for these items is {factors['items']}"
        return ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the queries as targets, and the letters as cues."""
        length, items = factors["length"], factors["items"]
        cues = random_positions(random, items, length)
        tokens = [BLANK] * length + [QUERY] * items
        for cue, answer in zip(cues, answers, strict=True):
            tokens[cue] = answer
        return tokens, list(range(length, length + items)), cues

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: each query takes the next letter from a queue."""
        queue = iter([token for token in tokens if token in LETTERS])
        return [next(queue) if token == QUERY else None for token in tokens]

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that answer every query with the first or the last letter."""
        return {
            "first_cue": lambda tokens: _at_every_query(tokens, 0),
            "last_cue": lambda tokens: _at_every_query(tokens, -1),
        }

    def error_kind(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return "capture" (another letter of the item), "wrong" (not in the item), or ""."""
        if predicted == item.labels[target]:
            return ""
        return "capture" if predicted in item.tokens else "wrong"


def _at_every_query(tokens: Sequence[str], index: int) -> Labels:
    letter = [token for token in tokens if token in LETTERS][index]
    return [letter if token == QUERY else None for token in tokens]
