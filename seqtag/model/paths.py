"""The best label paths of a linear chain, exactly: Viterbi and n-best.

Shapes: B batch, T time, K labels, N paths.

One backward pass gives the best score that each label at each position can still reach. A forward
pass then keeps the N prefixes with the best *completed* scores. That is exact: were a prefix of an
n-th best path dropped, N other prefixes, so N other paths, would be at least as good. It costs one
(B, K, K) maximum a step whatever N is. Source: Soong & Huang 1991, "A tree-trellis based fast
search for finding the N best sentence hypotheses".
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqtag.model.chain import NEVER, Potentials, inside


def _best_suffixes(potentials: Potentials) -> Tensor:
    """Return (T, B, K): the best score of a label and all that can follow it, end included."""
    emissions_BTK, _, transitions_KK, end_K, lengths_B, *_ = potentials
    B, T, K = emissions_BTK.shape
    emissions_TBK = emissions_BTK.transpose(0, 1).contiguous()
    goes_on_TB1 = inside(lengths_B - 1, T).T[:, :, None]
    suffix_TBK = emissions_TBK + end_K
    step_BKK = emissions_BTK.new_empty(B, K, K)
    for t in range(T - 2, -1, -1):
        torch.add(transitions_KK, suffix_TBK[t + 1][:, None, :], out=step_BKK)
        longer_BK = step_BKK.amax(-1).add_(emissions_TBK[t])
        suffix_TBK[t] = torch.where(goes_on_TB1[t], longer_BK, suffix_TBK[t])
    return suffix_TBK


def best_paths(potentials: Potentials, n: int) -> tuple[Tensor, Tensor]:
    """Return the n best allowed paths, best first: labels (B, N, T) and scores (B, N).

    Labels are -100 behind the end. Where there are fewer than n allowed paths, the rest have
    score -inf and labels -100. An empty sentence has one path, of score 0. Equal scores come in
    no promised order.
    """
    emissions_BTK, start_K, transitions_KK, _, lengths_B, *_ = potentials
    B, T, K = emissions_BTK.shape
    score_BN = emissions_BTK.new_full((B, n), NEVER)
    score_BN[:, 0] = 0.0
    if not B * T:
        return lengths_B.new_full((B, n, T), -100), score_BN

    suffix_TBK = _best_suffixes(potentials)
    emissions_TBK = emissions_BTK.transpose(0, 1)
    inside_TB1 = inside(lengths_B, T).T[:, :, None]
    itself_BN = torch.arange(n, device=lengths_B.device).expand(B, n)
    prefix_BN, label_BN = score_BN, lengths_B.new_zeros(B, n)
    labels, parents = [], []
    for t in range(T):
        step_BNK = transitions_KK[label_BN] if t else start_K
        reached_BNK = prefix_BN[:, :, None] + step_BNK
        whole_BM = (reached_BNK + suffix_TBK[t][:, None, :]).view(B, n * K)
        # Of equal scores max takes the first, and it is faster.
        best_BN, choice_BN = whole_BM.max(-1, keepdim=True) if n == 1 else whole_BM.topk(n)
        going_B1 = inside_TB1[t]
        parent_BN = choice_BN // K
        label_BN = choice_BN % K
        score_BN = torch.where(going_B1, best_BN, score_BN)
        prefix_BN = reached_BNK.view(B, n * K).gather(1, choice_BN)
        prefix_BN = prefix_BN + emissions_TBK[t].gather(1, label_BN)
        labels.append(torch.where(going_B1, label_BN, -100))
        parents.append(torch.where(going_B1, parent_BN, itself_BN))
    return _trace_back(labels, parents).masked_fill(score_BN[:, :, None] == NEVER, -100), score_BN


def _trace_back(labels: list[Tensor], parents: list[Tensor]) -> Tensor:
    """Follow each last label to the first: (B, N, T) from a (B, N) a step of labels and parents."""
    if labels[0].shape[1] == 1:
        return torch.stack(labels, -1)
    slot_BN = torch.arange(labels[0].shape[1], device=labels[0].device).expand_as(labels[0])
    path = []
    for label_BN, parent_BN in zip(reversed(labels), reversed(parents), strict=True):
        path.append(label_BN.gather(1, slot_BN))
        slot_BN = parent_BN.gather(1, slot_BN)
    return torch.stack(path[::-1], -1)
