"""Metrics: what the predictions of a tagger are judged by."""

from typing import Any

from seqtag.metrics.registry import register

__all__ = ["Score", "register"]


def __getattr__(name: str) -> Any:
    # On first use, so that a program that only reads scores does not wait for torch.
    if name == "Score":
        from seqtag.metrics.score import Score

        return Score
    raise AttributeError(f"module 'seqtag.metrics' has no attribute {name!r}")
