"""Temporal order: the order in which X and Y came, far apart among distractors.

    E b a X d c b b Y a c d a d B        the label of B is XY

Experiments 6a (two symbols, 4 classes) and 6b (three, 8 classes) of Hochreiter & Schmidhuber
(1997), "Long Short-Term Memory", section 5.6. There sequences have 100 to 110 tokens, and the
symbols stand at 10 to 20 and 50 to 60 (6b: 10 to 20, 33 to 43, 66 to 76); here those windows
are per cent of the length. The classes, there letters from Q on, are called by their symbols.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count, product
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end, noise

MARKED = "XY"
DISTRACTORS = "abcd"
# Where a symbol may stand, in per cent of the length, both ends included.
WINDOWS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
_SOURCE = "Hochreiter & Schmidhuber 1997, table 9"


@register("temporal_order_6a", symbols=2)
@register("temporal_order_6b", symbols=3)
class TemporalOrderProbe(Synthetic):
    """The order of the marked symbols, asked for at the end.

    Factors:
        length: tokens of the sequence, with E and B.

    Args:
        symbols: how many marked symbols there are: 2 (experiment 6a) or 3 (6b).
    """

    version = 1
    bidirectional_safe = True
    axis = "length"
    unit = "tokens of the sequence"
    training = MappingProxyType({"length": tuple(range(10, 101))})
    evaluation = MappingProxyType({"length": (10, 20, 50, 100, 200, 500, 1000)})
    quick = MappingProxyType({"length": (20, 50, 100, 200, 300)})
    published = (
        Published(
            "LSTM trained at length 100 to 110 on 6a", "31,390 sequences to success", _SOURCE
        ),
        Published(
            "LSTM trained at length 100 to 110 on 6b", "571,100 sequences to success", _SOURCE
        ),
    )

    def __init__(self, symbols: int = 2) -> None:
        self.windows = WINDOWS[symbols]
        self.name = "temporal_order_6a" if symbols == 2 else "temporal_order_6b"
        self.labels = tuple("".join(order) for order in product(MARKED, repeat=symbols))
        self.least = next(length for length in count(3) if all(self.spans(length)))

    def spans(self, length: int) -> list[range]:
        """Return the positions that each symbol may have in a sequence of this length."""
        return [
            range(-(-first * length // 100), last * length // 100 + 1)
            for first, last in self.windows
        ]

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that the least length is what has a place in every window, or ""."""
        return f"the least length is {self.least}" if factors["length"] < self.least else ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item with this answer, its target and its cues."""
        length = factors["length"]
        tokens = ["E", *noise(random, DISTRACTORS, length - 2), "B"]
        cues = [span[int(random() * len(span))] for span in self.spans(length)]
        for cue, symbol in zip(cues, answers[0], strict=True):
            tokens[cue] = symbol
        return tokens, [length - 1], cues

    def contrast(self, answers: Sequence[str]) -> str:
        """Return "congruent" where one symbol tells all of them, else "incongruent"."""
        return "congruent" if len(set(answers[0])) == 1 else "incongruent"

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: the marked symbols in the order in which they are met."""
        return at_end(tokens, _marked(tokens))

    def baselines(self) -> dict[str, Labeller]:
        """Return solvers that see one symbol and take the others to be the same."""
        size = len(self.windows)
        return {
            "first_cue": lambda tokens: at_end(tokens, _marked(tokens)[0] * size),
            "last_cue": lambda tokens: at_end(tokens, _marked(tokens)[-1] * size),
        }


def _marked(tokens: Sequence[str]) -> str:
    return "".join(token for token in tokens if token in MARKED)
