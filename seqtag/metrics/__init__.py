"""Metrics that score the predictions of a tagger."""

from typing import Any

from seqtag.metrics.registry import register

__all__ = ["Score", "register"]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that programs that only read scores do not import torch.
    if name == "Score":
        from seqtag.metrics.score import Score

        return Score
    raise AttributeError(f"module 'seqtag.metrics' has no attribute {name!r}")
