"""The adding problem as classification: the sum of two marked digits among many.

    7* 3 0 8 5* 1 9 2 2 4 =        the label of "=" is 12

Experiment 4 of Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", section 5.4. There the
marked elements are real numbers and the predicted sum, in a range of 1, may be off by 0.04; here
they are digits, and the sum is one of 19 classes. As in the paper, one marked digit is in the first
tenth of the sequence and the other anywhere in the first half.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.probes.base import Labeller, Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end, noise

DIGITS = "0123456789"
MARK = "*"
_MIN_LENGTH = 4
_SOURCE = "Hochreiter & Schmidhuber 1997, table 7, mean of 10 trials"


@register("adding")
class AddingProbe(Synthetic):
    """The sum of two marked digits, labelled at the end.

    All sums are equally frequent, and so are all pairs of digits with the same sum. A single digit
    is therefore informative: see `baselines`.

    Factors:
        length: tokens of the sequence, including the equals sign; at least 4.
    """

    name = "adding"
    version = 1
    labels = tuple(str(total) for total in range(19))
    bidirectional_safe = True
    axis = "length"
    unit = "tokens of the sequence"
    training = MappingProxyType({"length": tuple(range(5, 51))})
    evaluation = MappingProxyType({"length": (10, 20, 50, 100, 200, 500)})
    quick = MappingProxyType({"length": (10, 25, 50, 100, 200)})
    published = (
        Published("LSTM trained at length 100", "74,000 sequences to success", _SOURCE),
        Published("LSTM trained at length 500", "209,000 sequences to success", _SOURCE),
        Published("LSTM trained at length 1000", "853,000 sequences to success", _SOURCE),
    )

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if two digits do not fit into the first half, else ""."""
        return f"the least length is {_MIN_LENGTH}" if factors["length"] < _MIN_LENGTH else ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the "=" as target, and the marked digits as cues."""
        length, total = factors["length"], int(answers[0])
        tokens = [*noise(random, DIGITS, length - 1), "="]
        early = int(random() * max(1, length // 10))
        other = int(random() * (length // 2 - 1))
        other += other >= early
        least = max(0, total - 9)
        digit = least + int(random() * (min(9, total) - least + 1))
        tokens[early] = f"{digit}{MARK}"
        tokens[other] = f"{total - digit}{MARK}"
        return tokens, [length - 1], sorted((early, other))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, computed by adding the marked digits."""
        return at_end(tokens, str(sum(_marked(tokens))))

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that see one marked digit and predict its most likely sum.

        That is the sum with 0 (digits up to 4) or 9: among the possible sums it has the fewest
        pairs, and all sums are equally frequent. Both score 24%.
        """
        return {
            "first_cue": lambda tokens: at_end(tokens, _likeliest(_marked(tokens)[0])),
            "last_cue": lambda tokens: at_end(tokens, _likeliest(_marked(tokens)[-1])),
        }


def _marked(tokens: Sequence[str]) -> list[int]:
    return [int(token[0]) for token in tokens if token.endswith(MARK)]


def _likeliest(digit: int) -> str:
    return str(digit if digit < 5 else digit + 9)
