"""Selective copying: name the letters again, in their order, without the blanks between them.

    . . f . b . . . f . ? ? ?        the labels of the "?" are f, b and f

The task of Gu & Dao (2023), "Mamba", section 4.1.1, after the copying tasks of Arjovsky, Shah &
Bengio (2016) and Hochreiter & Schmidhuber (1997). There 16 tokens stand among 4096.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, ProbeItem
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, places

LETTERS = tuple("abcdefghij")
BLANK = "."
QUERY = "?"


@register("copy")
class CopyProbe(Synthetic):
    """The letters of a sequence, asked for one by one behind it.

    Letters may come more than once. A query does not say which letter it asks for: the model
    must know how many it has named.

    Factors:
        length: letters and blanks before the queries.
        items: letters among them, and so queries.
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

    def asked(self, factors: Mapping[str, int]) -> int:
        """Return how many queries there are."""
        return factors["items"]

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that there must be a letter, and room for all of them, or ""."""
        if not factors["items"]:
            return "the least number of items is 1"
        if factors["length"] < factors["items"]:
            return f"the least length for these items is {factors['items']}"
        return ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item with these letters, its targets and its cues."""
        length, items = factors["length"], factors["items"]
        cues = places(random, items, length)
        tokens = [BLANK] * length + [QUERY] * items
        for cue, answer in zip(cues, answers, strict=True):
            tokens[cue] = answer
        return tokens, list(range(length, length + items)), cues

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: the letters wait in line, and each query takes the next one."""
        line = [token for token in tokens if token in LETTERS]
        waiting = iter(line)
        return [next(waiting) if token == QUERY else None for token in tokens]

    def baselines(self) -> dict[str, Labeller]:
        """Return solvers that name the first or the last letter at every query."""
        return {
            "first_cue": lambda tokens: _everywhere(tokens, 0),
            "last_cue": lambda tokens: _everywhere(tokens, -1),
        }

    def error(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return "capture" (a letter from another place), "wrong" (from nowhere), or ""."""
        if predicted == item.labels[target]:
            return ""
        return "capture" if predicted in item.tokens else "wrong"


def _everywhere(tokens: Sequence[str], which: int) -> Labels:
    letter = [token for token in tokens if token in LETTERS][which]
    return [letter if token == QUERY else None for token in tokens]
