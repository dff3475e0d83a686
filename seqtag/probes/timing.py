"""Measuring spike delays: an interval is as long as the reference, or one step longer.

    | . . . | . . . | . . . . |        the labels of the last two spikes are 0 and 1

Gers & Schmidhuber (2000), "Recurrent nets that time and count", and Gers, Schraudolph &
Schmidhuber (2002), "Learning precise timing with LSTM recurrent networks": spike n comes F + I(n)
steps after the one before, I(n) is 0 or 1, and I(n) is asked for at the spike. A net of theirs
is trained for one F (here: the regime "learn"). One that is to measure any F must be given it,
and so the sequence begins with two spikes F apart; where all training has one F, they say
nothing. Their F are 10 to 50, the ones judged here; training stops at 20, and begins at 2
because the short ones are what is learned first.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.probes.base import Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end

SPIKE, BLANK = "|", "."


@register("timing")
class TimingProbe(Synthetic):
    """By how many steps an interval exceeds the reference, asked for at the spike that ends it.

    Factors:
        interval: steps from the first spike to the second (F), blanks and one.
        spikes: intervals that are measured, each F or F + 1.

    There are few different sequences: within the training range a model is judged on what it
    may have seen, and only beyond it on measuring what it has not.
    """

    name = "timing"
    version = 1
    labels = ("0", "1")
    bidirectional_safe = True
    axis = "interval"
    unit = "steps of the reference interval F"
    training = MappingProxyType({"interval": tuple(range(2, 21)), "spikes": (1, 2)})
    evaluation = MappingProxyType({"interval": (10, 15, 20, 25, 30, 40, 50), "spikes": (1, 2, 10)})
    quick = MappingProxyType({"interval": (5, 10, 20, 30, 50), "spikes": (2,)})
    published = (
        Published(
            "LSTM with peepholes, trained without shorter intervals",
            "tells 49 steps from 50",
            "Gers, Schraudolph & Schmidhuber 2002, abstract",
        ),
    )

    def asked(self, factors: Mapping[str, int]) -> int:
        """Return how many intervals are measured."""
        return factors["spikes"]

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that an interval has a step and that one must be measured, or ""."""
        for name in ("interval", "spikes"):
            if not factors[name]:
                return f"the least {name} is 1"
        return ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens of an item with these delays, its targets and its cues: the spikes."""
        spikes = [0, factors["interval"]]
        for answer in answers:
            spikes.append(spikes[-1] + factors["interval"] + int(answer))
        tokens = [BLANK] * (spikes[-1] + 1)
        for spike in spikes:
            tokens[spike] = SPIKE
        return tokens, spikes[2:], spikes

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: by how much each run of blanks is longer than the first."""
        reference, *runs = "".join(tokens)[1:-1].split(SPIKE)
        labels: Labels = [None] * (len(reference) + 2)
        for run in runs:
            labels += at_end(run + SPIKE, str(len(run) - len(reference)))
        return labels
