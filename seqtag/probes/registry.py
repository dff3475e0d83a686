"""The closed list of probes by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from seqtag.errors import InputError, did_you_mean
from seqtag.probes.adding import AddingProbe
from seqtag.probes.agreement import AgreementProbe
from seqtag.probes.base import Probe
from seqtag.probes.brackets import BracketsProbe, ShuffleProbe
from seqtag.probes.copy import CopyProbe
from seqtag.probes.counting import CountingProbe, MembershipProbe
from seqtag.probes.long_lag import LongLagProbe
from seqtag.probes.pronoun import PronounProbe
from seqtag.probes.reber import ReberProbe
from seqtag.probes.recall import RecallProbe
from seqtag.probes.reflexive import ReflexiveProbe
from seqtag.probes.states import StatesProbe
from seqtag.probes.temporal_order import TemporalOrderProbe
from seqtag.probes.timing import TimingProbe

PROBES: dict[str, Callable[[], Probe]] = {
    "pronoun": PronounProbe,
    "pronoun_nouns": partial(PronounProbe, names=False),
    "reflexive": ReflexiveProbe,
    "agreement": AgreementProbe,
    "reber": ReberProbe,
    "counting_ab": partial(CountingProbe, "counting_ab", "ab"),
    "counting_abc": partial(CountingProbe, "counting_abc", "abc"),
    "counting_ab_member": partial(MembershipProbe, "counting_ab_member", "ab"),
    "counting_abc_member": partial(MembershipProbe, "counting_abc_member", "abc"),
    "brackets": BracketsProbe,
    "brackets_shuffle": ShuffleProbe,
    "parity": partial(StatesProbe, "parity"),
    "modular_addition": partial(StatesProbe, "modular_addition"),
    "cycle": partial(StatesProbe, "cycle"),
    "long_lag": LongLagProbe,
    "temporal_order_6a": partial(TemporalOrderProbe, symbols=2),
    "temporal_order_6b": partial(TemporalOrderProbe, symbols=3),
    "adding": AddingProbe,
    "timing": TimingProbe,
    "copy": CopyProbe,
    "recall": RecallProbe,
    "recall_forget": partial(RecallProbe, forget=True),
}


def make_probe(name: str) -> Probe:
    """Return the probe of that name.

    Raises:
        InputError: if there is none; the nearest name is offered.
    """
    if name not in PROBES:
        raise InputError(
            f"unknown probe {name!r}{did_you_mean(str(name), PROBES)}; known: {', '.join(PROBES)}"
        )
    return PROBES[name]()
