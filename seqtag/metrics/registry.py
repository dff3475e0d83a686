"""The registry of metrics: those of this package, and those of installed packages."""

from typing import Any

from seqtag.registry import Registry

# The group of entry points has the name of this package.
SCORES: Registry[Any] = Registry("metric", group=__package__, package=__package__)
register = SCORES.register
