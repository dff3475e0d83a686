"""A long time lag without local regularities: the label of "e" is the symbol after "b".

    b x d17 d80 d3 d44 e        the label of e is x

Experiment 2c of Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", section 5.2. There
the network is trained only at long lags (here: the regime "learn"), and the number of different
distractors grows with the lag. Here it is fixed, so that no symbol is unknown at any lag.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.probes.base import Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end, noise

DISTRACTORS = tuple(f"d{number}" for number in range(100))
_SOURCE = "Hochreiter & Schmidhuber 1997, table 3, mean of 20 trials"


@register("long_lag")
class LongLagProbe(Synthetic):
    """Which of two symbols came before the distractors.

    Factors:
        lag: distractors between the symbol and the trigger at the end of the sequence.
    """

    name = "long_lag"
    version = 1
    labels = ("x", "y")
    bidirectional_safe = True
    axis = "lag"
    unit = "distractors between symbol and trigger"
    training = MappingProxyType({"lag": tuple(range(1, 51))})
    evaluation = MappingProxyType({"lag": (1, 10, 20, 50, 100, 200, 500, 1000)})
    quick = MappingProxyType({"lag": (10, 25, 50, 100, 200)})
    published = (
        Published(
            "LSTM trained only at lag 100, 100 distractors", "31,000 sequences to success", _SOURCE
        ),
        Published(
            "LSTM trained only at lag 1000, 1000 distractors",
            "49,000 sequences to success",
            _SOURCE,
        ),
        Published(
            "LSTM trained only at lag 1000, 100 distractors",
            "135,000 sequences to success",
            _SOURCE,
        ),
    )

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return "": every lag is possible."""
        return ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the trigger as target, and the symbol as cue."""
        lag = factors["lag"]
        return ["b", answers[0], *noise(random, DISTRACTORS, lag), "e"], [lag + 2], [1]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: the trigger's is the x or y of the sequence."""
        (symbol,) = set(tokens) & set(self.labels)
        return at_end(tokens, symbol)
