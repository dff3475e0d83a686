"""The functions that a step may use in addition to arithmetic.

Each calls a method of its argument, so that a step runs on tensors and on the symbols that the
compiler traces. Arithmetic and most functions treat each unit by itself. The functions named after
units, and those made of them (`softmax`, `layer_norm`), combine all units of a sequence.
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


def silu(v: Any) -> Any:
    """Return v sigmoid(v)."""
    return v * sigmoid(v)


def softplus(v: Any) -> Any:
    """Return log(1 + exp(v))."""
    return -log_sigmoid(-v)


def exp(v: Any) -> Any:
    """Return the exponential function."""
    return v.exp()


def sin(v: Any) -> Any:
    """Return the sine."""
    return v.sin()


def cos(v: Any) -> Any:
    """Return the cosine."""
    return v.cos()


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two values."""
    return a.maximum(b)


def identity(v: Any) -> Any:
    """Return v."""
    return v


def sqrt(v: Any) -> Any:
    """Return the square root."""
    return v.sqrt()


def unit_sum(v: Any) -> Any:
    """Return the sum over all units, for every unit."""
    own = getattr(v, "sum_units", None)
    return own() if own is not None else v.sum(-1, keepdim=True).expand_as(v)


def unit_mean(v: Any) -> Any:
    """Return the mean over all units, for every unit."""
    own = getattr(v, "mean_units", None)
    return own() if own is not None else v.mean(-1, keepdim=True).expand_as(v)


def unit_variance(v: Any) -> Any:
    """Return the variance over all units (the mean squared distance), for every unit."""
    centred = v - unit_mean(v)
    return unit_mean(centred * centred)


def unit_max(v: Any) -> Any:
    """Return the largest value of all units, for every unit; equal ones share the gradient."""
    own = getattr(v, "max_units", None)
    return own() if own is not None else v.amax(-1, keepdim=True).expand_as(v)


def running_sum(v: Any) -> Any:
    """Return the sum over the units up to and including each unit."""
    own = getattr(v, "running_sum", None)
    return own() if own is not None else v.cumsum(-1)


def softmax(v: Any) -> Any:
    """Return the softmax over units."""
    e = exp(v - unit_max(v))
    return e / unit_sum(e)


def cumulative_softmax(v: Any) -> Any:
    """Return the running sum of the softmax over units, which rises to 1 at the last unit."""
    return running_sum(softmax(v))


def layer_norm(blocks: Sequence[Any], epsilon: float = 1e-5) -> tuple[Any, ...]:
    """Return blocks (B, H) shifted and scaled to mean 0 and variance 1 over all their units.

    Mean and variance are taken over all blocks of a row together.
    """
    share = 1.0 / len(blocks)
    mean = share * unit_mean(sum(blocks[1:], blocks[0]))
    centred = [block - mean for block in blocks]
    squares = [block * block for block in centred]
    variance = share * unit_mean(sum(squares[1:], squares[0]))
    scale = 1 / sqrt(variance + epsilon)
    return tuple(block * scale for block in centred)
