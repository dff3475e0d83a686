"""Sums over all label paths of a linear chain: log-partition, marginals, expected transitions.

Shapes: B batch, T time, K labels, D directions (0 runs from the first token to the last, 1 from
the last to the first).

Both directions run in parallel: the second is the first over the reversed sentence, with transposed
transitions. `sums` uses probabilities that are scaled at each step, or logarithms if emissions
differ so much that a scaled probability could underflow. Everything is computed in the dtype of the
emissions, which should be float64 if the device has it. Source: Rabiner 1989, "A tutorial on hidden
Markov models", sections III.A and V.A.
"""

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqtag.model.scaled_sums import (
    Factors,
    batch_major,
    inside,
    reversal_index,
    scaled_sums,
    time_major,
)

NEVER = -math.inf
# With more mixing steps than this scaling is almost never safe, so the search stops here.
_MOST_MIXING_STEPS = 16


class Potentials(NamedTuple):
    """The terms of a path's score; -inf in a vector or matrix forbids that step.

    Attributes:
        emissions_BTK: finite, and 0 after the end of a sentence.
        start_K: score of starting with a label.
        transitions_KK: score of going from the first index to the second.
        end_K: score of ending with a label.
        lengths_B: int64 numbers of tokens.
        clamp_BTK: True for the labels allowed at each position: one label or all, and all after
            the end; None for no restriction.
        mixing_steps: `Automaton.mixing_steps` of the allowed steps; decides if scaling is safe.
    """

    emissions_BTK: Tensor
    start_K: Tensor
    transitions_KK: Tensor
    end_K: Tensor
    lengths_B: Tensor
    clamp_BTK: Tensor | None
    mixing_steps: int | None


class Sums(NamedTuple):
    """Result of `sums`: log Z of each sentence, and its gradients by emissions and transitions."""

    log_z_B: Tensor
    marginals_BTK: Tensor | None
    counts_BKK: Tensor | None


class Automaton(NamedTuple):
    """The steps that can be part of a complete path.

    Attributes:
        start_K, between_KK, end_K: bool; False for steps to labels that are on no complete path.
        useful_K: True for labels that are on a complete path.
        mixing_steps: the least d such that every useful label reaches every useful label in
            exactly d steps; None if there is none up to a bound.
    """

    start_K: Tensor
    between_KK: Tensor
    end_K: Tensor
    useful_K: Tensor
    mixing_steps: int | None


def automaton(start_K: Tensor, between_KK: Tensor, end_K: Tensor) -> Automaton:
    """Keep the steps on complete paths only, and count the mixing steps."""
    useful_K = _reached(start_K, between_KK) & _reached(end_K, between_KK.T)
    between_KK = between_KK & useful_K[:, None] & useful_K[None, :]
    mixing_steps = _count_mixing_steps(between_KK[useful_K][:, useful_K])
    return Automaton(start_K & useful_K, between_KK, end_K & useful_K, useful_K, mixing_steps)


def _reached(seed_K: Tensor, between_KK: Tensor) -> Tensor:
    """Return the labels that can be reached from those of `seed_K`, themselves included."""
    seen_K = seed_K
    while True:
        more_K = seen_K | between_KK[seen_K].any(0)
        if torch.equal(more_K, seen_K):
            return seen_K
        seen_K = more_K


def _count_mixing_steps(between_KK: Tensor) -> int | None:
    """Return `Automaton.mixing_steps` for steps between useful labels.

    Labels with the same row or the same column behave the same, so steps are counted between R
    distinct rows and C distinct columns. A label scheme has few of them for each entity type.
    """
    if not between_KK.numel():
        return None
    row_K, first_R = _classes(between_KK.numpy())
    column_K, first_C = _classes(between_KK.numpy().T)
    reached_RC = between_KK[first_R][:, first_C].to(torch.float32)  # in exactly `steps` steps
    through_CR = torch.zeros(len(first_C), len(first_R), dtype=torch.float32)
    through_CR[column_K, row_K] = 1.0
    step_CC = ((through_CR @ reached_RC) > 0).float()
    seen: set[bytes] = set()
    for steps in range(1, _MOST_MIXING_STEPS + 1):
        if bool(reached_RC.all()):
            return steps
        # A pattern that occurs again repeats forever.
        digest = hashlib.sha256(reached_RC.numpy().tobytes()).digest()
        if digest in seen:
            return None
        seen.add(digest)
        # Sums of at most C ones: exact in float32 up to 16 million labels.
        reached_RC = ((reached_RC @ step_CC) > 0).float()
    return None


def _classes(table_KK: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return the class of each row, where equal rows form a class, and each class's first row."""
    packed = np.ascontiguousarray(np.packbits(table_KK, axis=1))
    keys_K = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, class_K = np.unique(keys_K, return_index=True, return_inverse=True)
    return torch.from_numpy(class_K.ravel()), torch.from_numpy(first)


def scaling_is_exact(potentials: Potentials) -> bool:
    """Return whether no reachable label's scaled probability can underflow."""
    emissions_BTK, start_K, transitions_KK, end_K, *_, mixing_steps = potentials
    if mixing_steps is None:
        return False
    if not emissions_BTK.numel():
        return True
    spread = (emissions_BTK.amax(-1) - emissions_BTK.amin(-1)).amax()
    # With NaN the comparison is false.
    return bool(spread < exact_spread(start_K, transitions_KK, end_K, mixing_steps))


def exact_spread(
    start_K: Tensor, transitions_KK: Tensor, end_K: Tensor, mixing_steps: int
) -> Tensor:
    """Return the range of the emissions at a position below which scaling is exact.

    If every label reaches every other in d steps, then two labels at one position differ by at
    most d times (range of the emissions at a position + range of the transitions + log K),
    however long the sentence: a path to the worse one can leave the best path to the better one
    d steps before. A position clamped to one label is common to all paths, which can only lower d.
    """
    room = -math.log(torch.finfo(start_K.dtype).tiny) * 0.92
    step = torch.cat((start_K, transitions_KK.flatten(), end_K))
    highest, lowest = step.amax(), torch.where(step == NEVER, math.inf, step).amin()
    # Two more steps: one for a product before it is scaled, one for the scale (a sum over K).
    return room / (mixing_steps + 2) - (highest - lowest) - math.log(len(start_K))


def sums(potentials: Potentials, gradients: bool) -> Sums:
    """Sum over all paths of each sentence.

    Returns:
        log Z (-inf if no path is allowed, 0 for an empty sentence) and, if `gradients`, the
        marginals (0 after the end; all 0 if no path is allowed) and the expected count of each
        transition.
    """
    emissions_BTK = potentials.emissions_BTK
    B, T, K = emissions_BTK.shape
    if not B * T:
        zero = emissions_BTK.new_zeros
        return Sums(zero(B), zero(B, T, K), zero(B, K, K))
    with torch.autocast(emissions_BTK.device.type, enabled=False):
        run = _scaled_sums if scaling_is_exact(potentials) else _log_sums
        return run(potentials, gradients)


def _scaled_sums(potentials: Potentials, gradients: bool) -> Sums:
    emissions_BTK, start_K, transitions_KK, end_K, lengths_B, clamp_BTK, _ = potentials
    peak_BT = emissions_BTK.amax(-1)
    weight_BTK = (emissions_BTK - peak_BT[:, :, None]).exp_()
    if clamp_BTK is not None:
        weight_BTK.mul_(clamp_BTK)
    peak = torch.cat((start_K, transitions_KK.flatten(), end_K)).amax()
    steps = [(scores - peak).exp() for scores in (start_K, transitions_KK, end_K)]
    factors = Factors(weight_BTK, *steps, lengths_B)
    total_B, scale_BT, marginals_BTK, counts_BKK = scaled_sums(factors, gradients)
    log_BT = torch.where(inside(lengths_B, peak_BT.shape[1]), scale_BT.log() + peak_BT, 0.0)
    log_z_B = total_B.log() + peak * (lengths_B + 1) + log_BT.sum(-1)
    return Sums(torch.where(lengths_B == 0, 0.0, log_z_B), marginals_BTK, counts_BKK)


def _log_sums(potentials: Potentials, gradients: bool) -> Sums:
    emissions_BTK, start_K, transitions_KK, end_K, lengths_B, clamp_BTK, _ = potentials
    B, T, K = emissions_BTK.shape
    inside_BT, reversal_BT = inside(lengths_B, T), reversal_index(lengths_B, T)
    directions = 2 if gradients else 1
    if clamp_BTK is not None:
        emissions_BTK = emissions_BTK.masked_fill(~clamp_BTK, NEVER)

    emission_TDBK = time_major(emissions_BTK, reversal_BT, directions)
    before_TDBK, after_TDBK = torch.empty_like(emission_TDBK), torch.empty_like(emission_TDBK)
    step_D1KK = torch.stack((transitions_KK.T, transitions_KK)[:directions])[:, None]
    before_TDBK[0] = torch.stack((start_K, end_K)[:directions])[:, None]
    for t in range(T):
        if t:
            before_TDBK[t] = (step_D1KK + after_TDBK[t - 1][:, :, None, :]).logsumexp(-1)
        after_TDBK[t] = before_TDBK[t] + emission_TDBK[t]

    forward_BTK = batch_major(after_TDBK, 0, reversal_BT)
    at_end_B11 = (lengths_B - 1).clamp_min(0)[:, None, None]
    ending_BK = forward_BTK.gather(1, at_end_B11.expand(B, 1, K))[:, 0] + end_K
    log_z_B = torch.where(lengths_B == 0, 0.0, ending_BK.logsumexp(-1))
    if not gradients:
        return Sums(log_z_B, None, None)

    # If no path is allowed, all terms are -inf; subtracting 0 instead of log Z keeps them so.
    base_B1 = torch.where(log_z_B == NEVER, 0.0, log_z_B)[:, None]
    joint_BTK = forward_BTK + batch_major(before_TDBK, 1, reversal_BT) - base_B1[:, :, None]
    marginals_BTK = torch.where(inside_BT[:, :, None], joint_BTK, NEVER).exp()
    # Exponentials of large numbers have rounding errors: normalise.
    total_BT1 = marginals_BTK.sum(-1, keepdim=True)
    marginals_BTK = marginals_BTK / torch.where(total_BT1 == 0, 1.0, total_BT1)
    backward_BTK = batch_major(after_TDBK, 1, reversal_BT)
    backward_BTK = torch.where(inside_BT[:, :, None], backward_BTK, NEVER)
    counts_BKK = emissions_BTK.new_zeros(B, K, K)
    for t in range(T - 1):
        left_BK1 = (forward_BTK[:, t] - base_B1)[:, :, None]
        counts_BKK += (left_BK1 + transitions_KK + backward_BTK[:, t + 1, None, :]).exp()
    return Sums(log_z_B, marginals_BTK, counts_BKK)


class _LogPartition(torch.autograd.Function):
    """log Z with its gradient in closed form: marginals and expected transition counts."""

    @staticmethod
    def forward(ctx: Any, gradients: bool, *potentials: Any) -> Tensor:
        result = sums(Potentials(*potentials), gradients)
        if gradients:
            ctx.save_for_backward(potentials[4], result.marginals_BTK, result.counts_BKK)
        return result.log_z_B

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_B: Tensor) -> tuple[Tensor | None, ...]:
        lengths_B, marginals_BTK, counts_BKK = ctx.saved_tensors
        B, T, K = marginals_BTK.shape
        nothing = (None, None, None)
        if not B * T:
            none_K = marginals_BTK.new_zeros(K)
            return None, marginals_BTK, none_K, counts_BKK.sum(0), none_K, *nothing
        with torch.autocast(marginals_BTK.device.type, enabled=False):
            emissions_BTK = marginals_BTK * grad_B[:, None, None]
            at_end_B11 = (lengths_B - 1).clamp_min(0)[:, None, None]
            end_BK = emissions_BTK.gather(1, at_end_B11.expand(B, 1, K))[:, 0]
            transitions_KK = (grad_B @ counts_BKK.view(B, K * K)).view(K, K)
        start_K, end_K = emissions_BTK[:, 0].sum(0), end_BK.sum(0)
        return None, emissions_BTK, start_K, transitions_KK, end_K, *nothing


def log_partition(potentials: Potentials) -> Tensor:
    """Return log Z (B,), once differentiable by emissions, start, transitions and end."""
    scores = potentials[:4]
    gradients = torch.is_grad_enabled() and any(score.requires_grad for score in scores)
    return _LogPartition.apply(gradients, *potentials)
