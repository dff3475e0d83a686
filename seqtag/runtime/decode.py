"""From the outputs of an exported network to labels, probabilities and certainties.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seqtag.errors import InputError
from seqtag.runtime.chain import (
    Chain,
    best_path,
    best_paths,
    log_partition,
    marginals,
    path_score,
)
from seqtag.runtime.network import MARGINALS, SCORES, Network
from seqtag.tagging.results import Decoded, LabelPath, Wanted


class Decoder:
    """Runs a network on batches, and returns what is wanted of each sentence.

    Args:
        network: the exported network.
        bias_K: numbers that are added to the scores of labels; None for none.
    """

    def __init__(self, network: Network, bias_K: np.ndarray | None = None) -> None:
        self._network, self._bias_K = network, bias_K

    def with_bias(self, scores_K: np.ndarray) -> Decoder:
        """Return a decoder that adds further numbers to the scores of labels."""
        before_K = 0 if self._bias_K is None else self._bias_K
        return Decoder(self._network, before_K + scores_K)

    def __call__(self, arrays: Mapping[str, np.ndarray], wanted: Wanted) -> Decoded:
        """Run the network on the arrays of `Indexer.arrays`.

        Raises:
            InputError: if scores are not finite, or no sequence of labels is allowed.
        """
        lengths = arrays["lengths_B"].tolist()
        by_graph = wanted.probabilities and self._bias_K is None
        names = [SCORES, MARGINALS] if by_graph else [SCORES]
        scores_BTK, *p_BTK = self._network.run(arrays, names)
        _check_scores(scores_BTK)
        if self._bias_K is not None:
            scores_BTK = scores_BTK + self._bias_K
        scores = _rows(scores_BTK, lengths)
        ids = [self._best(scores_TK) for scores_TK in scores]
        _check_labels(ids, lengths)
        probabilities = certainties = None
        if by_graph:
            probabilities = _rows(p_BTK[0], lengths)
        elif wanted.probabilities:
            probabilities = list(map(self._marginals, scores))
        if wanted.certainty:
            certainties = [self._certainty(*pair) for pair in zip(scores, ids, strict=True)]
        paths = None
        if wanted.alternatives:
            paths = [self._paths(scores_TK, wanted.alternatives) for scores_TK in scores]
        nothing = [None] * len(ids)
        return Decoded(ids, probabilities or nothing, certainties or nothing, paths)

    @property
    def _chain(self) -> Chain | None:
        return self._network.chain

    def _best(self, scores_TK: np.ndarray) -> list[int]:
        chain = self._chain
        return scores_TK.argmax(1).tolist() if chain is None else best_path(chain, scores_TK)

    def _marginals(self, scores_TK: np.ndarray) -> np.ndarray:
        chain = self._chain
        return np.exp(_log_softmax(scores_TK)) if chain is None else marginals(chain, scores_TK)

    def _certainty(self, scores_TK: np.ndarray, ids: list[int]) -> float:
        """Return the probability of a sequence of labels to the power of 1 / T.

        See `seqtag.tagging.scores.log_certainties`.
        """
        if self._chain is None:
            log_p = float(_log_softmax(scores_TK)[np.arange(len(ids)), ids].sum())
        else:
            score = path_score(self._chain, scores_TK, ids)
            log_p = score - log_partition(self._chain, scores_TK)
        return float(np.exp(min(0.0, log_p / len(ids))))

    def _paths(self, scores_TK: np.ndarray, count: int) -> list[LabelPath]:
        chain = self._chain
        if chain is None:  # with scores of zero, a CRF is a softmax at each word
            K = scores_TK.shape[1]
            chain = Chain(np.zeros(K), np.zeros((K, K)), np.zeros(K))
        log_z = log_partition(chain, scores_TK)
        paths = best_paths(chain, scores_TK, count)
        return [LabelPath(ids, float(np.exp(min(0.0, score - log_z)))) for ids, score in paths]


def _rows(values_BTK: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
    return [values_TK[:length] for values_TK, length in zip(values_BTK, lengths, strict=True)]


def _log_softmax(scores_TK: np.ndarray) -> np.ndarray:
    shifted_TK = scores_TK - scores_TK.max(1, keepdims=True)
    return shifted_TK - np.log(np.exp(shifted_TK).sum(1, keepdims=True))


def _check_scores(scores_BTK: np.ndarray) -> None:
    if not np.isfinite(scores_BTK).all():
        raise InputError(
            "this tagger computes scores of labels that are not finite numbers: its model.onnx is "
            "damaged; export or copy it again"
        )


def _check_labels(ids: Sequence[Sequence[int]], lengths: Sequence[int]) -> None:
    for row, length in zip(ids, lengths, strict=True):
        if len(row) != length or (row and min(row) < 0):
            raise InputError(
                "this tagger's transition weights allow no sequence of labels for a sentence of "
                "this length: its model.onnx is damaged; export or copy it again"
            )
