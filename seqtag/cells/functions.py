"""The functions a step may use, beside arithmetic.

Each asks its argument, so that one step runs on tensors and on whatever else an engine puts in.
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
    # Of torch's tensors only: beside the other functions' methods, torch has this one apart.
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

    The mean and the variance are those of all the blocks of a row together. For tensors alone:
    a cell that uses it says so by `untraceable`.

    Raises:
        TypeError: for blocks that are no tensors.
    """
    import torch

    if not all(isinstance(block, torch.Tensor) for block in blocks):
        raise TypeError(
            "layer norm reduces over units, so it runs on tensors alone; this cell cannot be traced"
        )
    joint = torch.cat(tuple(blocks), dim=-1)
    joint = torch.nn.functional.layer_norm(joint, joint.shape[-1:], eps=epsilon)
    return joint.chunk(len(blocks), dim=-1)
