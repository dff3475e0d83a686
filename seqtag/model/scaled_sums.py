"""Sums over all label paths with probabilities scaled at each step, compiled or in torch.

Shapes: B batch, T time, K labels, D directions (0 runs from the first token to the last, 1 from
the last to the first).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from seqtag.recurrent.compiler.cpp_functions import CppSource, call_function, load_functions

CHAIN = CppSource(__package__, "chain", ("seqtag_best_path", "seqtag_sums"))


class Factors(NamedTuple):
    """The factors of a path's weight.

    Attributes:
        weight_BTK: factor of a label at a position, 0 to 1.
        first_K: factor of starting with a label.
        step_KK: factor of going from the first index to the second.
        last_K: factor of ending with a label.
        lengths_B: numbers of tokens.
    """

    weight_BTK: Tensor
    first_K: Tensor
    step_KK: Tensor
    last_K: Tensor
    lengths_B: Tensor


# (scaled sum over all paths, scales, marginals, counts). The sum must be multiplied by the product
# of the scales (B, T), which are arbitrary after the end. Marginals (B, T, K) are 0 after the end.
# Counts (B, K, K) are the expected numbers of steps.
ScaledSums = tuple[Tensor, Tensor, Tensor | None, Tensor | None]


def scaled_sums(factors: Factors, gradients: bool) -> ScaledSums:
    """Return the sums over all sentences; marginals and counts only if `gradients`."""
    run = _by_torch if load_functions(CHAIN, factors.weight_BTK) is None else _compiled
    return run(factors, gradients)


def _compiled(factors: Factors, gradients: bool) -> ScaledSums:
    weight_BTK, first_K, step_KK, last_K, lengths_B = factors
    B, T, K = weight_BTK.shape
    total_B, scale_BT = weight_BTK.new_zeros(B), weight_BTK.new_ones(B, T)
    size = (B, T, K) if gradients else (0, 0, 0)
    marginals_BTK = weight_BTK.new_zeros(size)
    counts_BKK = weight_BTK.new_zeros(size[0], size[2], size[2])
    scratch = weight_BTK.new_empty(T + 2, K)
    inputs = (weight_BTK, first_K, step_KK, step_KK.T, last_K, lengths_B)
    outputs = (total_B, scale_BT, marginals_BTK, counts_BKK)
    run = load_functions(CHAIN, weight_BTK).seqtag_sums
    call_function(
        run, (B, T, K, gradients), *(tensor.contiguous() for tensor in inputs), scratch, *outputs
    )
    return (*outputs[:2], marginals_BTK, counts_BKK) if gradients else (*outputs[:2], None, None)


def inside(lengths_B: Tensor, T: int) -> Tensor:
    """Return the bool mask (B, T) of positions before the end."""
    return torch.arange(T, device=lengths_B.device) < lengths_B[:, None]


def reversal_index(lengths_B: Tensor, T: int) -> Tensor:
    """Return the index (B, T) that reverses each sentence and keeps padding in place."""
    t_T = torch.arange(T, device=lengths_B.device)
    return torch.where(t_T < lengths_B[:, None], lengths_B[:, None] - 1 - t_T, t_T)


def time_major(x_BTK: Tensor, reversal_BT: Tensor, directions: int) -> Tensor:
    """Return x as (T, D, B, K), the second direction reversed."""
    B, T, K = x_BTK.shape
    row_B1 = torch.arange(B, device=x_BTK.device)[:, None] * T
    forward_BT = row_B1 + torch.arange(T, device=x_BTK.device)
    order_DBT = torch.stack((forward_BT, row_B1 + reversal_BT)[:directions])
    flat = x_BTK.reshape(B * T, K).index_select(0, order_DBT.permute(2, 0, 1).flatten())
    return flat.view(T, directions, B, K)


def batch_major(x_TDBK: Tensor, direction: int, reversal_BT: Tensor) -> Tensor:
    """Return one direction of x as (B, T, K): the inverse of `time_major`."""
    x_BTK = x_TDBK[:, direction].transpose(0, 1)
    if direction == 0:
        return x_BTK
    return x_BTK.gather(1, reversal_BT[:, :, None].expand_as(x_BTK))


def _by_torch(factors: Factors, gradients: bool) -> ScaledSums:
    """Run both directions, with one batched product per step."""
    weight_BTK, first_K, step_KK, last_K, lengths_B = factors
    B, T, K = weight_BTK.shape
    inside_BT1, reversal_BT = inside(lengths_B, T)[:, :, None], reversal_index(lengths_B, T)
    directions = 2 if gradients else 1
    tiny = torch.finfo(weight_BTK.dtype).tiny

    # before: the sum over steps to a label, without the label's weight; after: with it.
    weight_TDBK = time_major(weight_BTK, reversal_BT, directions)
    before_TDBK, after_TDBK = torch.empty_like(weight_TDBK), torch.empty_like(weight_TDBK)
    scale_TDB1 = weight_TDBK.new_empty(T, directions, B, 1)
    step_DKK = torch.stack((step_KK, step_KK.T)[:directions])
    before_TDBK[0] = torch.stack((first_K, last_K)[:directions])[:, None]
    previous_DBK = None
    for weight_DBK, before_DBK, after_DBK, scale_DB1 in zip(
        weight_TDBK.unbind(), before_TDBK.unbind(), after_TDBK.unbind(), scale_TDB1.unbind(),
        strict=True,
    ):  # fmt: skip
        if previous_DBK is not None:
            torch.bmm(previous_DBK, step_DKK, out=before_DBK)
        torch.mul(before_DBK, weight_DBK, out=after_DBK)
        torch.sum(after_DBK, -1, keepdim=True, out=scale_DB1)
        # The sum is 0 only if no path is allowed; the row then stays 0.
        after_DBK.div_(scale_DB1.clamp_min_(tiny))
        previous_DBK = after_DBK

    forward_BTK = batch_major(after_TDBK, 0, reversal_BT)
    at_end_B11 = (lengths_B - 1).clamp_min(0)[:, None, None]
    ending_BK = forward_BTK.gather(1, at_end_B11.expand(B, 1, K))[:, 0]
    total_B, scale_BT = (ending_BK * last_K).sum(-1), scale_TDB1[:, 0, :, 0].T
    if not gradients:
        return total_B, scale_BT, None, None

    joint_BTK = forward_BTK * batch_major(before_TDBK, 1, reversal_BT)
    mass_BT1 = joint_BTK.sum(-1, keepdim=True)
    weight_BT1 = torch.where(inside_BT1 & (mass_BT1 != 0), 1.0 / mass_BT1, 0.0)
    backward_BTK = batch_major(after_TDBK, 1, reversal_BT) * inside_BT1
    pairs_BKK = (forward_BTK * weight_BT1)[:, :-1].transpose(1, 2) @ backward_BTK[:, 1:]
    return total_B, scale_BT, joint_BTK * weight_BT1, pairs_BKK.mul_(step_KK)
