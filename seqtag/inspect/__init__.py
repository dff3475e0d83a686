"""Look inside a trained tagger: gates, memory, gradients through time."""

from seqtag.inspect.trace import Trace, trace, traces

__all__ = ["Trace", "trace", "traces"]
