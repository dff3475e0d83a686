"""The functions a step may use, beside arithmetic.

Each asks its argument, so that one step runs on tensors and on whatever else an engine puts in.
"""

from __future__ import annotations

from typing import Any


def sigmoid(v: Any) -> Any:
    """Return the logistic function, 1 / (1 + exp(-v))."""
    return v.sigmoid()


def tanh(v: Any) -> Any:
    """Return the hyperbolic tangent."""
    return v.tanh()


def relu(v: Any) -> Any:
    """Return max(v, 0)."""
    return v.relu()
