"""Inference in a linear-chain CRF with numpy.

The graph computes the probabilities of labels. The best labels, certainties and alternatives are
computed here, and with other scores (`with_bias`) everything is. For one sentence, numpy needs a
tenth of the time of the graph's loops. Results are those of `seqtag.model.crf`.

Legend: T words, K labels, M allowed steps from label to label, N sequences of labels.
"""

from __future__ import annotations

import numpy as np


class Chain:
    """The scores of steps, in float64; -inf for a step that is not allowed.

    Args:
        start_K: score of beginning with a label.
        between_KK: score of going from the first label to the second.
        end_K: score of ending with a label.
    """

    def __init__(self, start_K: np.ndarray, between_KK: np.ndarray, end_K: np.ndarray) -> None:
        self.start_K, self.between_KK, self.end_K = start_K, between_KK, end_K
        # The allowed steps M, those from label 0 first; one for a label without any.
        allowed_KK = between_KK > -np.inf
        allowed_KK[~allowed_KK.any(1), 0] = True
        from_M, self.to_M = np.nonzero(allowed_KK)
        self.step_M = between_KK[from_M, self.to_M]
        self.first_K = np.searchsorted(from_M, np.arange(len(start_K)))

    @classmethod
    def from_table(cls, table: np.ndarray) -> Chain:
        """Return the chain of the graph's output ``transitions``: steps, start, end (K + 2, K)."""
        table = table.astype(np.float64)
        return cls(table[-2], table[:-2], table[-1])


def best_path(chain: Chain, scores_TK: np.ndarray) -> list[int]:
    """Return the best labels of a sentence; an empty list if no sequence of labels is allowed."""
    rest_TK = _best_suffixes(chain, scores_TK)
    whole_K = chain.start_K + rest_TK[0]
    label = int(whole_K.argmax())
    if whole_K[label] == -np.inf:
        return []
    path = [label]
    for rest_K in rest_TK[1:]:
        path.append(int((chain.between_KK[path[-1]] + rest_K).argmax()))
    return path


def best_paths(chain: Chain, scores_TK: np.ndarray, count: int) -> list[tuple[list[int], float]]:
    """Return the best sequences of labels of a sentence, best first, each with its score.

    There are fewer if fewer are allowed. As `seqtag.model.viterbi.best_paths`: of each prefix the
    score of its best continuation is known, so only the best prefixes are kept.
    """
    K = len(chain.start_K)
    rest_TK = _best_suffixes(chain, scores_TK)
    reached_NK, steps = chain.start_K[None], []
    for t, rest_K in enumerate(rest_TK):
        whole_M = (reached_NK + rest_K).ravel()
        best_N = np.argsort(-whole_M, kind="stable")[:count]
        best_N = best_N[whole_M[best_N] > -np.inf]
        parent_N, label_N = best_N // K, best_N % K
        steps.append((parent_N, label_N))
        prefix_N = reached_NK[parent_N, label_N] + scores_TK[t, label_N]
        reached_NK = prefix_N[:, None] + chain.between_KK[label_N]
    paths = []
    for n, score in enumerate(whole_M[best_N].tolist()):
        ids = []
        for parent_N, label_N in reversed(steps):
            ids.append(int(label_N[n]))
            n = parent_N[n]
        paths.append((ids[::-1], score))
    return paths


def _best_suffixes(chain: Chain, scores_TK: np.ndarray) -> np.ndarray:
    """Return the best score of each label together with everything after it: (T, K)."""
    rest_TK = scores_TK.astype(np.float64)
    rest_TK[-1] += chain.end_K
    for t in range(len(rest_TK) - 2, -1, -1):
        step_M = rest_TK[t + 1].take(chain.to_M)
        step_M += chain.step_M
        rest_TK[t] += np.maximum.reduceat(step_M, chain.first_K)
    return rest_TK


def path_score(chain: Chain, scores_TK: np.ndarray, path: list[int]) -> float:
    """Return the score of a sequence of labels."""
    emissions = scores_TK[np.arange(len(path)), path].astype(np.float64).sum()
    steps = chain.between_KK[path[:-1], path[1:]].sum()
    return float(emissions + steps + chain.start_K[path[0]] + chain.end_K[path[-1]])


def log_partition(chain: Chain, scores_TK: np.ndarray) -> float:
    """Return the logarithm of the sum of exp(score) over all sequences of labels."""
    prefix_TK = _prefixes(chain, scores_TK)
    return float(_log_sum(prefix_TK[-1] + chain.end_K))


def marginals(chain: Chain, scores_TK: np.ndarray) -> np.ndarray:
    """Return the probability of each label at each word of a sentence: (T, K)."""
    prefix_TK = _prefixes(chain, scores_TK)
    mirrored = Chain(chain.end_K, chain.between_KK.T, chain.start_K)
    suffix_TK = _prefixes(mirrored, scores_TK[::-1])[::-1]
    log_p_TK = prefix_TK + suffix_TK - scores_TK
    log_p_TK -= _log_sum(log_p_TK)[:, None]
    return np.exp(log_p_TK).astype(np.float32)


def _prefixes(chain: Chain, scores_TK: np.ndarray) -> np.ndarray:
    """Return log-sums over the sequences that end with a label at a word: (T, K)."""
    prefix_TK = scores_TK.astype(np.float64)
    prefix_TK[0] += chain.start_K
    to_KK = np.ascontiguousarray(chain.between_KK.T)
    for t in range(1, len(prefix_TK)):
        prefix_TK[t] += _log_sum(to_KK + prefix_TK[t - 1])
    return prefix_TK


def _log_sum(x: np.ndarray) -> np.ndarray:
    """Return log(sum(exp(x))) over the last axis; -inf if all are -inf."""
    highest = x.max(-1, keepdims=True)
    highest = np.where(highest == -np.inf, 0.0, highest)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - highest).sum(-1)) + highest[..., 0]
