"""The closed list of probes by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from seqtag.errors import InputError, did_you_mean
from seqtag.probes.base import Probe
from seqtag.probes.pronoun import PronounProbe
from seqtag.probes.reber import ReberProbe
from seqtag.probes.states import StatesProbe

PROBES: dict[str, Callable[[], Probe]] = {
    "pronoun": PronounProbe,
    "pronoun_nouns": partial(PronounProbe, names=False),
    "reber": ReberProbe,
    "parity": partial(StatesProbe, "parity"),
    "modular_addition": partial(StatesProbe, "modular_addition"),
    "cycle": partial(StatesProbe, "cycle"),
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
