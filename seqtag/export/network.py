"""Exports a whole tagger: from arrays of ids to labels and their probabilities.

Legend: B sentences, T words, S pieces, D features of a word, H features of the encoder's output,
L labels.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import onnx

from seqtag.errors import InputError
from seqtag.export.crf import Chain, best_labels, emissions_of, marginals
from seqtag.export.embed import print_input
from seqtag.export.graph import FLOAT, INT64, Form, Graph
from seqtag.export.recurrent import as_array, run_layers
from seqtag.export.steps import Steps
from seqtag.export.weights import Weights
from seqtag.inputs import INPUTS
from seqtag.model.encoders.registry import encoder_name
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.layer import Recurrent

LABELS, MARGINALS, SCORES, TRANSITIONS = "labels", "marginals", "scores", "transitions"
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

    Raises:
        InputError: for a part that cannot be exported.
    """
    graph, inputs = Graph(), _Inputs()
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
    model = graph.model("tagger", inputs.forms, {name: forms[name] for name in outputs})
    return Exported(model, inputs.arrays)


class _Inputs:
    """The inputs of the graph, which grow with each array that is asked for.

    Called with the name of an array, such as ``words_BT``, it returns the name of the input.
    """

    def __init__(self) -> None:
        self.forms: dict[str, Form] = {}
        self.arrays: dict[str, str] = {}

    def __call__(self, array: str) -> str:
        name, shape = array, "BT"
        if not array.startswith("feature."):
            name, shape = re.fullmatch(r"(.+)_([A-Z]+)", array).groups()
        self.forms[name] = (INT64, [*shape])
        self.arrays[name] = array
        return name


def _embedded(
    graph: Graph, store: Weights, network: TaggerNetwork, inputs: _Inputs
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
    chain = None if network.crf is None else Chain.of(network.crf)
    if chain is None:
        labels_TB = graph.op("ArgMax", scores_TBL, axis=2, keepdims=0)
        p_TBL = graph.op("Softmax", scores_TBL, axis=2)
    else:
        emissions_TBL = emissions_of(graph, chain, scores_TBL, steps)
        labels_TB = best_labels(graph, chain, emissions_TBL, steps)
        p_TBL = graph.op("Cast", marginals(graph, chain, emissions_TBL, steps), to=FLOAT)
    inside_TB = graph.op("Squeeze", steps.inside_TB1, graph.ints(2))
    padding = graph.constant(np.int64(PADDING))
    labels_TB = graph.op("Where", inside_TB, labels_TB, padding)
    p_TBL = graph.op("Where", steps.inside_TB1, p_TBL, graph.constant(0.0, np.float32))
    outputs = {
        LABELS: graph.op("Transpose", labels_TB, perm=[1, 0]),
        MARGINALS: graph.op("Transpose", p_TBL, perm=[1, 0, 2]),
        SCORES: graph.op("Transpose", scores_TBL, perm=[1, 0, 2]),
    }
    if chain is not None:
        outputs[TRANSITIONS] = graph.op("Identity", graph.constant(chain.table()))
    return outputs
