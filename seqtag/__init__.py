"""seqtag: sequence labelling with recurrent networks, any cell under one flag."""

from typing import Any

__version__ = "0.1.0"

__all__ = ["Recurrent", "Tagger", "__version__"]


def __getattr__(name: str) -> Any:
    # On first use, so that `seqtag --help` does not wait for torch.
    if name == "Tagger":
        from seqtag.tagging.tagger import Tagger

        return Tagger
    if name == "Recurrent":
        from seqtag.recurrent.layer import Recurrent

        return Recurrent
    raise AttributeError(f"module 'seqtag' has no attribute {name!r}")
