"""Generated sequences whose answer lies a known distance away.

A probe is a class in a file of its own that registers itself by name. One of an installed package
is found by an entry point of the group ``seqtag.probes``.
"""

from seqtag.probes.base import Probe, ProbeItem
from seqtag.probes.registry import PROBES, make_probe, register

__all__ = ["PROBES", "Probe", "ProbeItem", "make_probe", "register"]
