"""Exports the conditional random field: best path and marginals, computed in float64.

Legend: B sentences, T words, K labels, D directions (0 runs from the first word to the last, 1 from
the last to the first).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from seqtag.export.graph import DOUBLE, Graph
from seqtag.export.steps import Steps, reverse
from seqtag.model.chain import exact_spread
from seqtag.model.crf import LinearChainCRF


class Chain(NamedTuple):
    """The parameters of a chain.

    start_K, between_KK, end_K: scores of steps in float64; -inf for a step that is forbidden.
    read_K: the label whose emission each label gets; None if each gets its own.
    spread: marginals are computed with scaled probabilities if the emissions of every word are in a
        range smaller than this.
    """

    start_K: np.ndarray
    between_KK: np.ndarray
    end_K: np.ndarray
    read_K: np.ndarray | None
    spread: float

    @classmethod
    def of(cls, crf: LinearChainCRF) -> Chain:
        """Return the parameters of a CRF on the CPU."""
        scores = [score.detach() for score in crf.step_scores(torch.float64)]
        spread = 0.0 if crf.mixing_steps is None else float(exact_spread(*scores, crf.mixing_steps))
        read_K = None if crf.read_K is None else crf.read_K.numpy()
        return cls(*(score.numpy() for score in scores), read_K, spread)

    def table(self) -> np.ndarray:
        """Return (K + 2, K): the scores of steps between labels, of the start, of the end."""
        rows = (self.between_KK, self.start_K[None], self.end_K[None])
        return np.concatenate(rows).astype(np.float32)


def emissions_of(graph: Graph, chain: Chain, scores_TBK: str, steps: Steps) -> str:
    """Return the emissions in float64, 0 after the end."""
    emissions_TBK = graph.op("Cast", scores_TBK, to=DOUBLE)
    if chain.read_K is not None:
        # Emissions of labels that are on no path must not affect the scaling of the others.
        emissions_TBK = graph.op("Gather", emissions_TBK, graph.constant(chain.read_K), axis=2)
    zero = graph.constant(0.0, np.float64)
    return graph.op("Where", steps.inside_TB1, emissions_TBK, zero)


def best_labels(graph: Graph, chain: Chain, emissions_TBK: str, steps: Steps) -> str:
    """Return the labels of the best path (T, B), arbitrary after the end.

    As `seqtag.model.viterbi.best_path`: the best score of the rest of the path is computed
    backwards for each label; then the best path is followed from the start.
    """
    suffix_TBK = _best_suffixes(graph, chain, emissions_TBK, steps)
    body = Graph(graph)
    before_B, suffix_BK = body.new_name("before"), body.new_name("suffix")
    # The last row is for the first word, before which there is no label.
    steps_KK = np.concatenate([chain.between_KK, chain.start_K[None]])
    reached_BK = body.op("Gather", body.constant(steps_KK), before_B)
    label_B = body.op("ArgMax", body.op("Add", reached_BK, suffix_BK), axis=1, keepdims=0)
    start = graph.constant(np.int64(len(chain.start_K)))
    start_B = graph.op("Expand", start, graph.op("Shape", steps.lengths_B))
    return graph.scan(body, {before_B: (label_B, start_B)}, {suffix_BK: suffix_TBK}, [label_B])[1]


def _best_suffixes(graph: Graph, chain: Chain, emissions_TBK: str, steps: Steps) -> str:
    """Return the best score of each label and everything after it, end included (T, B, K)."""
    body = Graph(graph)
    after_BK, emission_BK, goes_on_B1 = map(body.new_name, ("after", "emission", "goes_on"))
    after_B1K = body.op("Unsqueeze", after_BK, body.ints(1))
    longer_BKK = body.op("Add", after_B1K, body.constant(chain.between_KK))
    longer_BK = body.op("ReduceMax", longer_BKK, axes=[2], keepdims=0)
    end_K = body.constant(chain.end_K)
    suffix_BK = body.op("Add", body.op("Where", goes_on_B1, longer_BK, end_K), emission_BK)
    start_BK = graph.op("Expand", graph.constant(chain.end_K), _shape(graph, emissions_TBK, 1))
    return graph.scan(
        body,
        {after_BK: (suffix_BK, start_BK)},
        {emission_BK: emissions_TBK, goes_on_B1: steps.goes_on_TB1},
        [suffix_BK],
        reverse=True,
    )[1]


def _shape(graph: Graph, value: str, first: int) -> str:
    """Return the shape of a value without its first axes."""
    return graph.op("Shape", value, start=first)


def marginals(graph: Graph, chain: Chain, emissions_TBK: str, steps: Steps) -> str:
    """Return the probabilities of labels (T, B, K), arbitrary after the end.

    As `seqtag.model.chain.sums`: with scaled probabilities unless they could underflow.
    """
    if not chain.spread > 0:
        return _by_logarithms(graph, chain, emissions_TBK, steps)
    highest, lowest = (
        graph.op(operator, emissions_TBK, axes=[2]) for operator in ("ReduceMax", "ReduceMin")
    )
    spread = graph.op("ReduceMax", graph.op("Sub", highest, lowest), keepdims=0)
    is_exact = graph.op("Less", spread, graph.constant(chain.spread, np.float64))
    scaled, logarithms = Graph(graph), Graph(graph)
    return graph.choose(
        is_exact,
        (scaled, _by_scaling(scaled, chain, emissions_TBK, steps)),
        (logarithms, _by_logarithms(logarithms, chain, emissions_TBK, steps)),
    )


def _by_scaling(graph: Graph, chain: Chain, emissions_TBK: str, steps: Steps) -> str:
    peak_TB1 = graph.op("ReduceMax", emissions_TBK, axes=[2])
    weight_TBK = graph.op("Exp", graph.op("Sub", emissions_TBK, peak_TB1))
    peak = max(part.max() for part in chain[:3])
    start_K, between_KK, end_K = (np.exp(part - peak) for part in chain[:3])
    body = Graph(graph)
    names = before_DBK, weight_DBK, is_first = _sum_inputs(body)
    step_DKK = body.constant(np.stack([between_KK, between_KK.T]))
    reached_DBK = body.op("MatMul", before_DBK, step_DKK)
    start_D1K = body.constant(np.stack([start_K, end_K])[:, None])
    reached_DBK = body.op("Where", is_first, start_D1K, reached_DBK)
    sum_DBK = body.op("Mul", reached_DBK, weight_DBK)
    total_DB1 = body.op("ReduceSum", sum_DBK, body.ints(2))
    after_DBK = body.op("Div", sum_DBK, total_DB1)
    before, after = _both_ways(graph, body, names, (reached_DBK, after_DBK), weight_TBK, steps)
    joint_TBK = graph.op("Mul", after, before)
    return graph.op("Div", joint_TBK, graph.op("ReduceSum", joint_TBK, graph.ints(2)))


def _by_logarithms(graph: Graph, chain: Chain, emissions_TBK: str, steps: Steps) -> str:
    body = Graph(graph)
    names = before_DBK, emission_DBK, is_first = _sum_inputs(body)
    step_D1KK = np.stack([chain.between_KK.T, chain.between_KK])[:, None]
    before_DB1K = body.op("Unsqueeze", before_DBK, body.ints(2))
    longer_DBKK = body.op("Add", before_DB1K, body.constant(step_D1KK))
    reached_DBK = body.op("ReduceLogSumExp", longer_DBKK, axes=[3], keepdims=0)
    start_D1K = body.constant(np.stack([chain.start_K, chain.end_K])[:, None])
    reached_DBK = body.op("Where", is_first, start_D1K, reached_DBK)
    after_DBK = body.op("Add", reached_DBK, emission_DBK)
    before, after = _both_ways(graph, body, names, (reached_DBK, after_DBK), emissions_TBK, steps)
    return graph.op("Softmax", graph.op("Add", after, before), axis=2)


def _sum_inputs(body: Graph) -> tuple[str, str, str]:
    """Return the names of a loop's inputs: the sum so far, a word's factor, whether it is first."""
    before, factor, is_first = map(body.new_name, ("before", "factor", "is_first"))
    return before, factor, is_first


def _both_ways(
    graph: Graph,
    body: Graph,
    names: tuple[str, str, str],
    results: tuple[str, str],
    factor_TBK: str,
    steps: Steps,
) -> tuple[str, str]:
    """Run the loop of both directions.

    Args:
        graph: the graph.
        body: the loop.
        names: its inputs.
        results: the sum before the factor of a word and after it (D, B, K).
        factor_TBK: the factors.
        steps: the lengths.

    Returns:
        The sum of direction 1 before the factor, and that of direction 0 after it (T, B, K).
    """
    before, factor, is_first = names
    ones = graph.ints(1)
    directions = (factor_TBK, reverse(graph, factor_TBK, steps))
    factor_TDBK = graph.op("Concat", *(graph.op("Unsqueeze", v, ones) for v in directions), axis=1)
    start = graph.constant(0.0, np.float64)
    start_DBK = graph.op("Expand", start, _shape(graph, factor_TDBK, 1))
    _, reached_TDBK, after_TDBK = graph.scan(
        body,
        {before: (results[1], start_DBK)},
        {factor: factor_TDBK, is_first: steps.is_first_T},
        results,
    )
    reached_TBK = graph.op("Gather", reached_TDBK, graph.constant(np.int64(1)), axis=1)
    after_TBK = graph.op("Gather", after_TDBK, graph.constant(np.int64(0)), axis=1)
    return reverse(graph, reached_TBK, steps), after_TBK
