"""Arithmetic of chunks of steps, for cells with a matrix state.

L steps of a chunk; ... is any leading axes.
"""

import math
from typing import Any


def exp_to_diagonal(row_L: Any, column_L: Any) -> Any:
    """Return exp(row_i + column_j) at (..., i, j); 0 where step j is after step i."""
    size = row_L.shape[-1]
    after_LL = row_L.new_ones(size, size).triu(1).bool()
    # In place, so that one matrix is written instead of three. Before exp, which could overflow
    # after the diagonal: its gradient would be 0 times infinity.
    return (row_L[..., :, None] + column_L[..., None, :]).masked_fill_(after_LL, -math.inf).exp_()


def decay_between(total_L: Any) -> Any:
    """Return the product of the decays of steps j + 1 to i at (..., i, j); 0 where j is after i.

    Args:
        total_L: the running sum of the logarithms of the decays, (..., L).
    """
    return exp_to_diagonal(total_L, -total_L)


def solve_unit_lower(matrix_LL: Any, right_LE: Any) -> Any:
    """Return the solution of M n = r; M has a diagonal of 1, and only what is below it is read."""
    import torch

    return torch.linalg.solve_triangular(matrix_LL, right_LE, upper=False, unitriangular=True)


def unit_length(vector_E: Any) -> Any:
    """Return vectors (..., E) of length 1; those near 0 stay near 0."""
    return vector_E * ((vector_E * vector_E).sum(-1, keepdim=True) + 1e-6).rsqrt()


def root_mean_square(vector_E: Any, epsilon: float = 1e-5) -> Any:
    """Return vectors (..., E) divided by the root of the mean of their squares."""
    return vector_E * ((vector_E * vector_E).mean(-1, keepdim=True) + epsilon).rsqrt()


def standardised(vector_E: Any) -> Any:
    """Return vectors (..., E) shifted and scaled to mean 0 and variance 1."""
    from torch.nn.functional import layer_norm

    return layer_norm(vector_E, vector_E.shape[-1:])


def running_maximum(log_f: Any, log_i: Any, start: Any) -> Any:
    """Return m = max(log f + m', log i) of all steps, (T, ...).

    Args:
        log_f: (T, ...).
        log_i: (T, ...).
        start: m before the first step, (...).
    """
    import torch

    parts, size = [], 256  # pieces, so that sums of log f stay small
    for f, i in zip(log_f.split(size), log_i.split(size), strict=True):
        total = f.cumsum(0)
        parts.append(total + (i - total).cummax(0).values.maximum(start))
        start = parts[-1][-1]
    return torch.cat(parts)


def joined(first: Any, second: Any, axis: int) -> Any:
    """Return two tensors concatenated along an axis."""
    import torch

    return torch.cat([first, second], axis)
