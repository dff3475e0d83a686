"""The probes by name."""

from seqtag.probes.base import Probe
from seqtag.registry import Registry

PROBES: Registry[Probe] = Registry("probe", __package__, __package__)
register = PROBES.register


def make_probe(name: str) -> Probe:
    """Return the probe of that name.

    Raises:
        InputError: if there is none; the nearest name is offered.
    """
    return PROBES[name].make()
