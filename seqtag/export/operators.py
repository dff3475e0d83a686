"""Layers of cells that ONNX has operators for: LSTM, GRU and RNN.

Legend: B batch, T time, D features in, H hidden units, N directions, G features of all gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seqtag.cells import Cell, Gru, GruResetBefore, Lstm, Rnn
from seqtag.export.graph import MICROSOFT, Graph
from seqtag.export.loop import LayerOutput, LayerWeights, join_directions
from seqtag.export.steps import Steps
from seqtag.export.weights import PRODUCT_LIMIT, Weights, quantise

# The order of blocks in the operators; the letters are those of the cells.
_LSTM_ORDER, _PEEPHOLES, _GRU_ORDER = ("i", "o", "f", "z"), ("i", "o", "f"), ("z", "r", "n")
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "identity": "Affine"}

Blocks = Mapping[str, np.ndarray]


def has_operator(cell: Cell) -> bool:
    """Return whether ONNX has an operator for the cell."""
    if type(cell) is Lstm:
        kinds = (cell.input_gate, cell.forget_gate, cell.output_gate)
        return "none" not in kinds and not cell.gate_recurrence
    return type(cell) in (Gru, GruResetBefore, Rnn)


def run_operator(
    graph: Graph, store: Weights, cell: Cell, weights: LayerWeights, x_TBD: str, steps: Steps
) -> LayerOutput:
    """Add a layer of a cell that has an operator."""
    if isinstance(cell, Lstm):
        return _lstm(graph, store, cell, weights, x_TBD, steps)
    if isinstance(cell, Gru):
        return _gru(graph, store, cell, weights, x_TBD, steps)
    assert isinstance(cell, Rnn)
    arrays = (weights.input_NGD, weights.recurrent[0], _with_second(weights.bias_NG))
    names = [_ACTIVATIONS[cell.activation]]
    return _run(graph, store, "RNN", arrays, x_TBD, steps, activations=names)


def _run(
    graph: Graph,
    store: Weights,
    operator: str,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    x_TBD: str,
    steps: Steps,
    *further: str,
    activations: Sequence[str],
    **attributes: object,
) -> LayerOutput:
    input_NGD, recurrent_NGH, bias_NG = arrays
    y_TNBH, final_NBH = graph.ops(
        operator,
        x_TBD,
        store.stored(graph, input_NGD),
        store.stored(graph, recurrent_NGH),
        graph.constant(bias_NG, np.float32),
        steps.short_lengths_B,
        *further,
        outputs=2,
        **_common(arrays, activations),
        **attributes,
    )
    return LayerOutput(join_directions(graph, y_TNBH), final_NBH)


def _common(arrays: Sequence[np.ndarray], activations: Sequence[str]) -> dict[str, object]:
    """Return the attributes that all operators have."""
    directions, _, hidden = arrays[1].shape
    attributes: dict[str, object] = {
        "hidden_size": hidden,
        "direction": "bidirectional" if directions == 2 else "forward",
        "activations": [*activations] * directions,
    }
    if affine := activations.count("Affine") * directions:  # v -> alpha v + beta
        attributes |= {"activation_alpha": [1.0] * affine, "activation_beta": [0.0] * affine}
    return attributes


def _with_second(bias_NG: np.ndarray) -> np.ndarray:
    """Return the bias followed by zeros, because the operators have two biases."""
    return np.concatenate([bias_NG, np.zeros_like(bias_NG)], axis=1)


def _blocks(array: np.ndarray, gates: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the block of each gate of an array (N, G, ...)."""
    return dict(zip(gates, np.split(array, len(gates), axis=1), strict=True))


def _joined(blocks: Blocks, order: Sequence[str]) -> np.ndarray:
    return np.concatenate([blocks[gate] for gate in order], axis=1)


def _gru(
    graph: Graph, store: Weights, cell: Gru, weights: LayerWeights, x_TBD: str, steps: Steps
) -> LayerOutput:
    recurrent = _blocks(weights.recurrent[0], cell.products[0].gates)
    bias_NG = _joined(_blocks(weights.bias_NG, cell.gates), _GRU_ORDER)
    second = np.zeros_like(bias_NG)
    resets_before = isinstance(cell, GruResetBefore)
    if resets_before:
        recurrent["n"] = weights.inner["n"]
    elif "bias_recurrent" in weights.unit:
        second[:, -recurrent["n"].shape[1] :] = weights.unit["bias_recurrent"]
    arrays = (
        _joined(_blocks(weights.input_NGD, cell.gates), _GRU_ORDER),
        _joined(recurrent, _GRU_ORDER),
        np.concatenate([bias_NG, second], axis=1),
    )
    after, names = int(not resets_before), ("Sigmoid", "Tanh")
    return _run(
        graph, store, "GRU", arrays, x_TBD, steps, activations=names, linear_before_reset=after
    )


def _lstm(
    graph: Graph, store: Weights, cell: Lstm, weights: LayerWeights, x_TBD: str, steps: Steps
) -> LayerOutput:
    parts = (weights.input_NGD, weights.recurrent[0], weights.bias_NG)
    input_NGD, recurrent_NGH, bias_NG = (
        _joined(_coupled(_blocks(part, cell.gates)), _LSTM_ORDER) for part in parts
    )
    shape = (len(bias_NG), recurrent_NGH.shape[2])
    vectors = {k: weights.unit.get(f"peephole_{k}", np.zeros(shape)) for k in _PEEPHOLES}
    if "i" not in cell.gates:
        vectors["i"] = -vectors["f"]
    peepholes = ""
    if cell.peepholes:
        peepholes = graph.constant(_joined(vectors, _PEEPHOLES), np.float32)
    arrays = (input_NGD, recurrent_NGH, _with_second(bias_NG))
    names = ("Sigmoid", _ACTIVATIONS[cell.cell_activation], _ACTIVATIONS[cell.output_activation])
    forget = int("coupled" in (cell.input_gate, cell.forget_gate))
    if store.quantised:
        return _quantised(graph, arrays, peepholes, x_TBD, steps, names, forget)
    further = ("", "", peepholes) if peepholes else ()
    return _run(
        graph, store, "LSTM", arrays, x_TBD, steps, *further, activations=names, input_forget=forget
    )


def _coupled(blocks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the blocks of the operator: with coupled gates it computes f = 1 - i.

    For a cell with i = 1 - f, i is the sigmoid of the negative pre-activation of f. The operator
    then ignores the block of f.
    """
    if "i" not in blocks:
        blocks["i"] = -blocks["f"]
    return {**blocks, "f": blocks.get("f", blocks["i"])}


def _quantised(
    graph: Graph,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    peepholes: str,
    x_TBD: str,
    steps: Steps,
    activations: Sequence[str],
    input_forget: int,
) -> LayerOutput:
    """Add ONNX Runtime's LSTM with weights in int8, transposed: (N, D, G) and (N, H, G)."""
    numbers, scales, zeros = [], [], []
    for matrix_NGD in arrays[:2]:
        numbers_NGD, scale_NG1 = quantise(matrix_NGD, -1, PRODUCT_LIMIT)
        numbers.append(graph.constant(numbers_NGD.transpose(0, 2, 1)))
        scales.append(graph.constant(scale_NG1[..., 0]))
        zeros.append(graph.constant(np.zeros(scale_NG1.shape[:2], np.int8)))
    y_TNBH, final_NBH, _ = graph.ops(
        "DynamicQuantizeLSTM",
        *(x_TBD, *numbers, graph.constant(arrays[2], np.float32), steps.short_lengths_B),
        *("", "", peepholes, scales[0], zeros[0], scales[1], zeros[1]),
        outputs=3,
        domain=MICROSOFT,
        **_common(arrays, activations),
        input_forget=input_forget,
    )
    return LayerOutput(join_directions(graph, y_TNBH), final_NBH)
