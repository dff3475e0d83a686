"""Exports a whole tagger: from arrays of ids to labels and their probabilities.

Legend: B sentences, T words, S pieces, D features of a word, H features of the encoder's output,
L labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnx

from seqtag.errors import InputError
from seqtag.export.crf import Chain, best_labels, emissions_of, marginals
from seqtag.export.embed import print_input
from seqtag.export.graph import FLOAT, INT64, Form, Graph
from seqtag.export.inputs import Inputs
from seqtag.export.recurrent import as_array, run_layers
from seqtag.export.steps import Steps
from seqtag.export.weights import Weights
from seqtag.inputs import INPUTS
from seqtag.model.encoders.registry import encoder_name
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.layer import Recurrent

LABELS, MARGINALS, SCORES, TRANSITIONS = "labels", "marginals", "scores", "transitions"
# An input that may be left out: if it is True, the CRF does not run, and labels and marginals are
# empty.
ONLY_SCORES = "only_scores"
PADDING = -1  # the label after the end of a sentence


class Exported(NamedTuple):
    """A tagger as an ONNX model.

    Attributes:
        model: the model.
        arrays: by the name of each input, the array of the indexer that it takes.
    """

    model: onnx.ModelProto
    arrays: dict[str, str]


def export_network(network: TaggerNetwork, store: Weights) -> Exported:
    """Return a tagger network as an ONNX model.

    Inputs are arrays of the indexer, int64, named without their shape: ``words`` (B, T),
    ``lengths`` (B) and so on. Outputs are ``labels`` (B, T), -1 after the end; ``marginals``
    (B, T, L), the probabilities of labels, 0 after the end; ``scores`` (B, T, L), the scores of
    labels before the decoder; and with a CRF ``transitions`` (L + 2, L): the scores of the steps
    from each label to each label, then of starts and ends.

    With a CRF there is a further input ``only_scores``, False by default: if it is True, labels and
    marginals are empty and take no time, for callers that decode the scores themselves. With
    characters there are the output ``spellings`` and the input ``known_spellings``, see `Inputs`.

    Raises:
        InputError: for a part that cannot be exported.
    """
    graph = Graph()
    inputs = Inputs(graph)
    x_TBD, encoder_lengths = _embedded(graph, store, network, inputs)
    y_TBH = _encoded(graph, store, network, x_TBD, inputs(encoder_lengths))
    if network.pieces is not None:
        y_BSH = graph.op("Transpose", y_TBH, perm=[1, 0, 2])
        y_BTH = graph.op("GatherND", y_BSH, _indices(graph, inputs("first_piece_BT")), batch_dims=1)
        y_TBH = graph.op("Transpose", y_BTH, perm=[1, 0, 2])
    projection = network.projection
    product = graph.op("MatMul", y_TBH, graph.constant(as_array(projection.weight).T))
    scores_TBL = graph.op("Add", product, graph.constant(as_array(projection.bias)))
    steps = Steps.of(graph, inputs("lengths_B"), scores_TBL)
    if network.crf is not None:
        inputs.optional(ONLY_SCORES, np.array(False), [])
    outputs = _decoded(graph, network, scores_TBL, steps)
    for name, value in outputs.items():
        graph.rename(value, name)
    count = len(projection.bias)
    forms: dict[str, Form] = {
        LABELS: (INT64, ["B", "T"]),
        MARGINALS: (FLOAT, ["B", "T", count]),
        SCORES: (FLOAT, ["B", "T", count]),
        TRANSITIONS: (FLOAT, [count + 2, count]),
    }
    given = {name: forms[name] for name in outputs} | inputs.outputs
    model = graph.model("tagger", inputs.forms, given)
    return Exported(model, inputs.arrays)


def _embedded(
    graph: Graph, store: Weights, network: TaggerNetwork, inputs: Inputs
) -> tuple[str, str]:
    """Return the vectors that the encoder reads (T, B, D), and the array of its lengths."""
    embedding = network.embedding
    parts = [
        print_input(graph, store, INPUTS[name].cls, getattr(embedding, module), inputs)
        for name, module in embedding.module_names.items()
    ]
    lengths = "lengths_B"
    if network.pieces is not None:
        lengths = "piece_lengths_B"
        indices = _indices(graph, inputs("piece_word_BS")) if parts else ""
        parts = [graph.op("GatherND", part, indices, batch_dims=1) for part in parts]
        parts.append(print_input(graph, store, network.piece_input, network.pieces, inputs))
    x_BTD = graph.op("Concat", *parts, axis=2) if len(parts) > 1 else parts[0]
    return graph.op("Transpose", x_BTD, perm=[1, 0, 2]), lengths


def _indices(graph: Graph, steps_BS: str) -> str:
    """Return indices (B, S, 1) for GatherND."""
    return graph.op("Unsqueeze", steps_BS, graph.ints(2))


def _encoded(
    graph: Graph, store: Weights, network: TaggerNetwork, x_TBD: str, lengths_B: str
) -> str:
    encoder = network.encoder
    if type(encoder) is not Recurrent:
        name = encoder_name(network.config.encoder)
        raise InputError(f"the encoder {name!r} cannot be exported: only recurrent layers can")
    return run_layers(graph, store, encoder, x_TBD, Steps.of(graph, lengths_B, x_TBD)).y


def _decoded(graph: Graph, network: TaggerNetwork, scores_TBL: str, steps: Steps) -> dict[str, str]:
    """Return the outputs of the graph by name."""
    scores_BTL = graph.op("Transpose", scores_TBL, perm=[1, 0, 2])
    if network.crf is None:
        labels_TB = graph.op("ArgMax", scores_TBL, axis=2, keepdims=0)
        p_TBL = graph.op("Softmax", scores_TBL, axis=2)
        labels_BT, p_BTL = _labels(graph, labels_TB, steps), _marginals(graph, p_TBL, steps)
        return {LABELS: labels_BT, MARGINALS: p_BTL, SCORES: scores_BTL}
    chain = Chain.of(network.crf)
    emissions_TBL = emissions_of(graph, chain, scores_TBL, steps)
    best, sums = Graph(graph), Graph(graph)
    labels_BT = _labels(best, best_labels(best, chain, emissions_TBL, steps), steps)
    p_TBL = sums.op("Cast", marginals(sums, chain, emissions_TBL, steps), to=FLOAT)
    p_BTL = _marginals(sums, p_TBL, steps)
    empty_BTL = np.zeros((0, 0, len(chain.start_K)), np.float32)
    return {
        LABELS: _unless_only_scores(graph, (best, labels_BT), np.zeros((0, 0), np.int64)),
        MARGINALS: _unless_only_scores(graph, (sums, p_BTL), empty_BTL),
        SCORES: scores_BTL,
        TRANSITIONS: graph.op("Identity", graph.constant(chain.table())),
    }


def _labels(graph: Graph, labels_TB: str, steps: Steps) -> str:
    inside_TB = graph.op("Squeeze", steps.inside_TB1, graph.ints(2))
    labels_TB = graph.op("Where", inside_TB, labels_TB, graph.constant(np.int64(PADDING)))
    return graph.op("Transpose", labels_TB, perm=[1, 0])


def _marginals(graph: Graph, p_TBL: str, steps: Steps) -> str:
    p_TBL = graph.op("Where", steps.inside_TB1, p_TBL, graph.constant(0.0, np.float32))
    return graph.op("Transpose", p_TBL, perm=[1, 0, 2])


def _unless_only_scores(graph: Graph, computed: tuple[Graph, str], empty: np.ndarray) -> str:
    skipped = Graph(graph)
    nothing = skipped.op("Identity", skipped.constant(empty))
    return graph.choose(ONLY_SCORES, (skipped, nothing), computed)
