"""seqtag: sequence labelling with recurrent networks, any cell under one flag."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Imported on first use, so that `seqtag --help` does not wait for torch.
_PUBLIC = {"Tagger": "seqtag.io.tagger", "Recurrent": "seqtag.recurrent.layer"}

__all__ = ["Recurrent", "Tagger", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'seqtag' has no attribute {name!r}")
