"""Temporal order: the order of symbols X and Y that are far apart among distractors.

    E b a X d c b b Y a c d a d B        the label of B is XY

Experiments 6a (two symbols, 4 classes) and 6b (three, 8 classes) of Hochreiter & Schmidhuber
(1997), "Long Short-Term Memory", section 5.6. There sequences have 100 to 110 tokens, with the
symbols at positions 10 to 20 and 50 to 60 (6b: 10 to 20, 33 to 43, 66 to 76); here these are per
cent of the length. The classes, there called Q, R, ..., are named by their symbols.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count, product
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end, noise

MARKED = "XY"
DISTRACTORS = "abcd"
# Range of positions of each symbol, in per cent of the length, both ends included.
WINDOWS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
_SOURCE = "Hochreiter & Schmidhuber 1997, table 9"


@register("temporal_order_6a", symbols=2)
@register("temporal_order_6b", symbols=3)
class TemporalOrderProbe(Synthetic):
    """The order of the marked symbols, labelled at the end.

    Factors:
        length: tokens of the sequence, including E and B.

    Args:
        symbols: number of marked symbols: 2 (experiment 6a) or 3 (6b).
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
        self.min_length = next(length for length in count(3) if all(self.ranges(length)))

    def ranges(self, length: int) -> list[range]:
        """Return the range of positions of each symbol in a sequence of this length."""
        return [
            range(-(-first * length // 100), last * length // 100 + 1)
            for first, last in self.windows
        ]

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if the range of a symbol is empty, else ""."""
        return (
            f"the least length is {self.min_length}" if factors["length"] < self.min_length else ""
        )

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the final B as target, and the marked symbols as cues."""
        length = factors["length"]
        tokens = ["E", *noise(random, DISTRACTORS, length - 2), "B"]
        cues = [span[int(random() * len(span))] for span in self.ranges(length)]
        for cue, symbol in zip(cues, answers[0], strict=True):
            tokens[cue] = symbol
        return tokens, [length - 1], cues

    def contrast(self, answers: Sequence[str]) -> str:
        """Return "congruent" if all marked symbols are equal, else "incongruent"."""
        return "congruent" if len(set(answers[0])) == 1 else "incongruent"

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: the marked symbols in order of occurrence."""
        return at_end(tokens, _marked(tokens))

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that see one marked symbol and predict that all are equal to it."""
        size = len(self.windows)
        return {
            "first_cue": lambda tokens: at_end(tokens, _marked(tokens)[0] * size),
            "last_cue": lambda tokens: at_end(tokens, _marked(tokens)[-1] * size),
        }


def _marked(tokens: Sequence[str]) -> str:
    return "".join(token for token in tokens if token in MARKED)
