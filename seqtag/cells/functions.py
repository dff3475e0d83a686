"""The functions that a step may use in addition to arithmetic.

Each calls a method of its argument, so that a step runs on tensors and on the symbols that the
compiler traces.
"""

from collections.abc import Sequence
from typing import Any


def sigmoid(v: Any) -> Any:
    """Return the logistic function, 1 / (1 + exp(-v))."""
    return v.sigmoid()


def log_sigmoid(v: Any) -> Any:
    """Return the logarithm of the logistic function, without overflow or cancellation."""
    own = getattr(v, "log_sigmoid", None)
    if own is not None:
        return own()
    # Tensors have no such method: torch has it as a function only.
    from torch.nn.functional import logsigmoid

    return logsigmoid(v)


def tanh(v: Any) -> Any:
    """Return the hyperbolic tangent."""
    return v.tanh()


def relu(v: Any) -> Any:
    """Return max(v, 0)."""
    return v.relu()


def exp(v: Any) -> Any:
    """Return the exponential function."""
    return v.exp()


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two values."""
    return a.maximum(b)


def identity(v: Any) -> Any:
    """Return v."""
    return v


def layer_norm(blocks: Sequence[Any], epsilon: float = 1e-5) -> tuple[Any, ...]:
    """Return blocks (B, H) shifted and scaled to mean 0 and variance 1 over all their units.

    Mean and variance are taken over all blocks of a row together. Works on tensors only: a cell
    that uses it must set `untraceable`.

    Raises:
        TypeError: for blocks that are not tensors.
    """
    import torch

    if not all(isinstance(block, torch.Tensor) for block in blocks):
        raise TypeError(
            "layer norm reduces over units, so it runs on tensors only; this cell cannot be traced"
        )
    joint = torch.cat(tuple(blocks), dim=-1)
    joint = torch.nn.functional.layer_norm(joint, joint.shape[-1:], eps=epsilon)
    return joint.chunk(len(blocks), dim=-1)
