"""Registry of probes."""

from seqtag.probes.base import Probe
from seqtag.registry import Registry

PROBES: Registry[Probe] = Registry("probe", __package__, __package__)
register = PROBES.register


def make_probe(name: str) -> Probe:
    """Return the probe registered as `name`.

    Raises:
        InputError: if there is no such probe; the message suggests the nearest name.
    """
    return PROBES[name].make()
