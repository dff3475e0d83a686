"""Probes: generators of labelled sequences whose answer lies a known distance away.

Each probe is a class in its own module that registers itself under a name. Installed packages add
probes through the entry point group ``seqtag.probes``.
"""

from seqtag.probes.base import Probe, ProbeItem
from seqtag.probes.registry import PROBES, make_probe, register

__all__ = ["PROBES", "Probe", "ProbeItem", "make_probe", "register"]
