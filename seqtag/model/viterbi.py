"""The best label paths of a linear chain: exact Viterbi and n-best.

Shapes: B batch, T time, K labels, N paths.

A backward pass computes, for each label at each position, the best score of the rest of the path.
The best path then follows the highest scores from label to label. For n-best, a forward pass keeps
the N prefixes with the best *completed* scores. This is exact: a prefix is dropped only if N other
prefixes, and so N other paths, are at least as good. It costs one (K, K, B) maximum per step,
whatever N is. Source: Soong & Huang 1991, "A tree-trellis based fast search for
finding the N best sentence hypotheses".
"""

import torch
from torch import Tensor

from seqtag.labels import NOT_SCORED
from seqtag.model.chain import NEVER, Potentials, inside
from seqtag.model.scaled_sums import CHAIN
from seqtag.recurrent.compiler.cpp_functions import call_function, load_functions


def _best_suffixes(potentials: Potentials) -> Tensor:
    """Return (T, B, K): the best score of a label and everything after it, end included."""
    emissions_BTK, _, transitions_KK, end_K, lengths_B, *_ = potentials
    B, T, K = emissions_BTK.shape
    # Sentences in the last dimension: on a CPU this makes the maxima three times as fast.
    emissions_TKB = emissions_BTK.permute(1, 2, 0).contiguous()
    continues_TB = inside(lengths_B - 1, T).T.contiguous()
    suffix_TKB = emissions_TKB + end_K[:, None]
    step_KKB = emissions_BTK.new_empty(K, K, B)
    for t in range(T - 2, -1, -1):
        torch.add(transitions_KK[:, :, None], suffix_TKB[t + 1], out=step_KKB)
        longer_KB = step_KKB.amax(1).add_(emissions_TKB[t])
        suffix_TKB[t] = torch.where(continues_TB[t], longer_KB, suffix_TKB[t])
    return suffix_TKB.transpose(1, 2).contiguous()


def best_path(potentials: Potentials) -> Tensor:
    """Return the best allowed path: (B, T), -100 after the end, and all -100 if there is none.

    Of paths with equal scores any may be returned.
    """
    emissions_BTK, start_K, transitions_KK, end_K, lengths_B, *_ = potentials
    B, T, K = emissions_BTK.shape
    labels_BT = lengths_B.new_full((B, T), NOT_SCORED)
    if not B * T:
        return labels_BT
    if library := load_functions(CHAIN, emissions_BTK):
        to_KK, scratch_TK = transitions_KK.T.contiguous(), emissions_BTK.new_empty(T, K)
        scores = (emissions_BTK.contiguous(), start_K, to_KK, end_K)
        lengths_B = lengths_B.contiguous()
        call_function(
            library.seqtag_best_path, (B, T, K, 0), *scores, lengths_B, scratch_TK, labels_BT
        )
        return labels_BT
    first_BK, *later = _best_suffixes(potentials).unbind()
    score_B, label_B = (start_K + first_BK).max(-1)
    labels = [label_B]
    for suffix_BK in later:
        label_B = transitions_KK.index_select(0, label_B).add_(suffix_BK).argmax(-1)
        labels.append(label_B)
    has_path_BT = inside(lengths_B, T) & (score_B != NEVER)[:, None]
    return torch.where(has_path_BT, torch.stack(labels, 1), labels_BT)


def best_paths(potentials: Potentials, n: int) -> tuple[Tensor, Tensor]:
    """Return the n best allowed paths, best first: labels (B, N, T) and scores (B, N).

    Labels are -100 after the end. If there are fewer than n allowed paths, the others have score
    -inf and labels -100. An empty sentence has one path, with score 0. The order of paths with
    equal scores is not specified.
    """
    emissions_BTK, start_K, transitions_KK, _, lengths_B, *_ = potentials
    B, T, K = emissions_BTK.shape
    score_BN = emissions_BTK.new_full((B, n), NEVER)
    score_BN[:, 0] = 0.0
    if not B * T:
        return lengths_B.new_full((B, n, T), NOT_SCORED), score_BN

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
        best_BN, choice_BN = whole_BM.topk(n)
        running_B1 = inside_TB1[t]
        parent_BN = choice_BN // K
        label_BN = choice_BN % K
        score_BN = torch.where(running_B1, best_BN, score_BN)
        prefix_BN = reached_BNK.view(B, n * K).gather(1, choice_BN)
        prefix_BN = prefix_BN + emissions_TBK[t].gather(1, label_BN)
        labels.append(torch.where(running_B1, label_BN, NOT_SCORED))
        parents.append(torch.where(running_B1, parent_BN, itself_BN))
    return _trace_back(labels, parents).masked_fill(
        score_BN[:, :, None] == NEVER, NOT_SCORED
    ), score_BN


def _trace_back(labels: list[Tensor], parents: list[Tensor]) -> Tensor:
    """Return paths (B, N, T), following parents back from the last step; lists hold (B, N)."""
    slot_BN = torch.arange(labels[0].shape[1], device=labels[0].device).expand_as(labels[0])
    path = []
    for label_BN, parent_BN in zip(reversed(labels), reversed(parents), strict=True):
        path.append(label_BN.gather(1, slot_BN))
        slot_BN = parent_BN.gather(1, slot_BN)
    return torch.stack(path[::-1], -1)
