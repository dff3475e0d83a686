"""A layer of any cell as a `Scan` over time; both directions run in the same loop.

Legend: B batch, T time, D features in, H hidden units, N directions, G features of all gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqtag.cells import Cell
from seqtag.export.graph import Graph
from seqtag.export.step import print_step, trace_states
from seqtag.export.steps import Steps, reverse
from seqtag.export.weights import Weights


class LayerWeights(NamedTuple):
    """The parameters of all directions of a layer, stacked.

    input_NGD, bias_NG: W and b (zeros if there is none).
    recurrent: R (N, G, H) of each product of the cell.
    inner: R (N, H, H) by inner gate.
    unit: vectors (N, H) by name; without those that the layer lacks.
    """

    input_NGD: np.ndarray
    bias_NG: np.ndarray
    recurrent: Sequence[np.ndarray]
    inner: Mapping[str, np.ndarray]
    unit: Mapping[str, np.ndarray]


class LayerOutput(NamedTuple):
    """The output y (T, B, N*H), arbitrary after the end, and the final output state (N, B, H)."""

    y: str
    final: str


def run_loop(
    graph: Graph, store: Weights, cell: Cell, weights: LayerWeights, x_TBD: str, steps: Steps
) -> LayerOutput:
    """Add a layer of any cell to a graph."""
    directions, features, _ = weights.input_NGD.shape
    hidden = features // len(cell.gates)
    wx = []
    for d in range(directions):
        read = x_TBD if d == 0 else reverse(graph, x_TBD, steps)
        product = store.product(graph, read, weights.input_NGD[d].T)
        wx.append(graph.op("Add", product, graph.constant(weights.bias_NG[d], np.float32)))
    ones = graph.ints(1)
    wx_TNBG = graph.op("Concat", *(graph.op("Unsqueeze", v, ones) for v in wx), axis=1)
    states = _initial_states(graph, cell, x_TBD, directions, hidden)
    body = Graph(graph)
    names = {name: body.new_name(f"previous_{name}") for name in states}
    wx_step, inside_step = body.new_name("wx"), body.new_name("inside")
    inputs = {("state", name): value for name, value in names.items()}
    inputs |= _split(body, wx_step, cell.gates, "wx")
    inputs |= _recurrent(body, store, cell, weights, names)
    for vector in cell.vectors:  # a layer without biases lacks some
        unit_NH = weights.unit.get(vector.name, np.zeros((directions, 1)))
        inputs["unit", vector.name] = body.constant(unit_NH[:, None], np.float32)

    def inner(graph: Graph, gate: str, value: str) -> str:
        return store.product(graph, value, weights.inner[gate].transpose(0, 2, 1))

    new = print_step(body, trace_states(cell), inputs, inner)
    kept = {name: body.op("Where", inside_step, new[name], names[name]) for name in states}
    final, *_, y_TNBH = graph.scan(
        body,
        {names[name]: (kept[name], start) for name, start in states.items()},
        {wx_step: wx_TNBG, inside_step: steps.inside_TB1},
        [kept[cell.states[0]]],
    )
    return LayerOutput(_join(graph, y_TNBH, directions, steps), final)


def join_directions(graph: Graph, y_TNBH: str) -> str:
    """Return (T, B, N*H)."""
    y_TBNH = graph.op("Transpose", y_TNBH, perm=[0, 2, 1, 3])
    return graph.op("Reshape", y_TBNH, graph.ints(0, 0, -1))


def _join(graph: Graph, y_TNBH: str, directions: int, steps: Steps) -> str:
    if directions == 1:
        return graph.op("Squeeze", y_TNBH, graph.ints(1))
    parts = graph.ops("Split", y_TNBH, outputs=2, axis=1)
    forward, backward = (graph.op("Squeeze", part, graph.ints(1)) for part in parts)
    return graph.op("Concat", forward, reverse(graph, backward, steps), axis=2)


def _initial_states(
    graph: Graph, cell: Cell, x_TBD: str, directions: int, hidden: int
) -> dict[str, str]:
    batch = graph.op("Gather", graph.op("Shape", x_TBD), graph.ints(1))
    shape = graph.op("Concat", graph.ints(directions), batch, graph.ints(hidden), axis=0)
    starts = {name: cell.initial_states.get(name, 0.0) for name in cell.states}
    return {
        name: graph.op("Expand", graph.constant(start, np.float32), shape)
        for name, start in starts.items()
    }


def _split(graph: Graph, value: str, gates: Sequence[str], kind: str) -> dict:
    """Return the block of each gate of a value (N, B, G), by (kind, gate)."""
    blocks = [value]
    if len(gates) > 1:
        blocks = graph.ops("Split", value, outputs=len(gates), axis=2)
    return {(kind, gate): block for gate, block in zip(gates, blocks, strict=True)}


def _recurrent(
    body: Graph, store: Weights, cell: Cell, weights: LayerWeights, states: Mapping[str, str]
) -> dict:
    """Return R s' by ("rh", gate), summed over the products."""
    sums: dict = {}
    for product, matrix_NGH in zip(cell.products, weights.recurrent, strict=True):
        value = store.product(body, states[product.state], matrix_NGH.transpose(0, 2, 1))
        for key, block in _split(body, value, product.gates, "rh").items():
            sums[key] = body.op("Add", sums[key], block) if key in sums else block
    return sums
