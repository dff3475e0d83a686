"""Timing: whether an interval between spikes is as long as a reference, or one step longer.

    | . . . | . . . | . . . . |        the labels of the last two spikes are 0 and 1

Gers & Schmidhuber (2000), "Recurrent nets that time and count", and Gers, Schraudolph &
Schmidhuber (2002), "Learning precise timing with LSTM recurrent networks": spike n comes F + I(n)
steps after the previous one, I(n) is 0 or 1, and the label of spike n is I(n). They train each
network for a single F (here: the regime "learn"). A network can judge an F only after seeing it, so
each sequence begins with two spikes F apart; with a single F in training they carry no
information. They use F from 10 to 50, the range judged here. Here training covers 2 to 20: short
intervals are learned first.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.probes.base import Labels, Published
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end

SPIKE, BLANK = "|", "."


@register("timing")
class TimingProbe(Synthetic):
    """By how many steps an interval exceeds the reference, labelled at the spike that ends it.

    Factors:
        interval: steps from the first spike to the second (F), which is the blanks plus one.
        spikes: number of measured intervals, each F or F + 1 steps.

    There are few different sequences. Within the training range a model may therefore have seen
    the judged items in training; only beyond it are they certainly new.
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
            "distinguishes 49 steps from 50",
            "Gers, Schraudolph & Schmidhuber 2002, abstract",
        ),
    )

    def target_count(self, factors: Mapping[str, int]) -> int:
        """Return the number of measured intervals."""
        return factors["spikes"]

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason if a factor is 0, else ""."""
        for name in ("interval", "spikes"):
            if not factors[name]:
                return f"the least {name} is 1"
        return ""

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the spikes after the second as targets, and all spikes as cues."""
        spikes = [0, factors["interval"]]
        for answer in answers:
            spikes.append(spikes[-1] + factors["interval"] + int(answer))
        tokens = [BLANK] * (spikes[-1] + 1)
        for spike in spikes:
            tokens[spike] = SPIKE
        return tokens, spikes[2:], spikes

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels: how many more blanks each interval has than the first."""
        reference, *runs = "".join(tokens)[1:-1].split(SPIKE)
        labels: Labels = [None] * (len(reference) + 2)
        for run in runs:
            labels += at_end(run + SPIKE, str(len(run) - len(reference)))
        return labels
