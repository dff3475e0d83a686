"""Even pairs: whether the number of changes between a and b so far is even.

    a b b a b           even, odd, odd, even, odd

A regular task of Delétang et al. 2023. The number is even if the symbol equals the first one, so
one symbol must be kept over the whole sequence.
"""

from collections.abc import Sequence

from seqtag.errors import InputError
from seqtag.probes.base import Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.tracking import TrackingProbe


@register("even_pairs")
class EvenPairsProbe(TrackingProbe):
    """Whether the number of unequal neighbours so far is even; both are equally frequent.

    The first label is always "even".

    Published results are for the last position only.
    """

    name = "even_pairs"
    version = 1
    symbols = ("a", "b")
    labels = ("even", "odd")
    published = (
        Published(
            "trained up to length 40, judged up to 500: RNN, LSTM",
            "100 %, 100 %",
            "Delétang et al. 2023, Neural Networks and the Chomsky Hierarchy",
        ),
    )

    def next_state(self, state: int, symbol: int) -> int:
        """Return the first symbol and the latest one as a number; 0 is the start."""
        first = (state - 1) // 2 if state else symbol
        return 1 + 2 * first + symbol

    def label_of(self, state: int) -> str:
        """Return "even" if the latest symbol is the first one, else "odd"."""
        first, latest = divmod(state - 1, 2)
        return self.labels[first != latest]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by counting the unequal neighbours.

        Raises:
            InputError: for a token other than a and b.
        """
        changes = 0
        labels: Labels = []
        for position, token in enumerate(tokens):
            if token not in self.symbols:
                raise InputError(f"probe even_pairs: unknown symbol {token!r}; known: a, b")
            changes += position > 0 and token != tokens[position - 1]
            labels.append("odd" if changes % 2 else "even")
        return labels
