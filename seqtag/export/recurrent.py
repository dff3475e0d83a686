"""Exports `Recurrent`, a stack of recurrent layers.

Legend: B batch, T time, D features in, H hidden units, N directions.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from seqtag.cells.matrix import MatrixCell
from seqtag.errors import InputError
from seqtag.export.graph import Graph
from seqtag.export.loop import LayerOutput, LayerWeights, run_loop
from seqtag.export.operators import has_operator, run_operator
from seqtag.export.steps import Steps
from seqtag.export.weights import Weights
from seqtag.recurrent.counting import CountingCell
from seqtag.recurrent.layer import Recurrent
from seqtag.recurrent.noise import ZoneoutCell


def run_layers(
    graph: Graph, store: Weights, module: Recurrent, x_TBD: str, steps: Steps
) -> LayerOutput:
    """Add the layers to a graph; the final state is that of the last layer.

    Raises:
        InputError: for a cell that cannot be exported.
    """
    if isinstance(module.cell, MatrixCell):
        raise InputError(f"the cell {module.cell} cannot be exported: its state is a matrix")
    # As in evaluation mode, when zoneout uses its expected value and all other noise is off.
    cell = ZoneoutCell(module.cell, module.zoneout) if module.zoneout else module.cell
    cell = CountingCell(cell) if module.cell.counts_steps else cell
    run = run_operator if has_operator(cell) else run_loop
    output = LayerOutput(x_TBD, "")
    for index in range(module.num_layers):
        before = read = output.y
        layer = module.layers[index]
        if "norm" in layer:
            norm = layer["norm"]
            gain, bias = (graph.constant(as_array(v)) for v in (norm.weight, norm.bias))
            read = graph.op("LayerNormalization", read, gain, bias, axis=-1, epsilon=norm.eps)
        output = run(graph, store, cell, _weights(module, index), read, steps)
        if index and module.residual:
            output = output._replace(y=graph.op("Add", output.y, before))
    return output


def as_array(tensor: Tensor) -> np.ndarray:
    """Return a tensor as an array of float32."""
    return tensor.detach().cpu().float().numpy()


def _weights(module: Recurrent, index: int) -> LayerWeights:
    """Return the parameters of a layer, stacked over directions."""
    cell, parts = module.cell, [module.layers[index][d].weights() for d in module.directions]

    def stacked(tensors: list[Tensor]) -> np.ndarray:
        return np.stack([as_array(tensor) for tensor in tensors])

    bias = [p.input_GD.new_zeros(len(p.input_GD)) if p.bias_G is None else p.bias_G for p in parts]
    inner = {}
    if cell.inner_gates:
        blocks = np.split(
            stacked([p.inner_GH for p in parts if p.inner_GH is not None]),
            len(cell.inner_gates),
            axis=1,
        )
        inner = dict(zip(cell.inner_gates, blocks, strict=True))
    return LayerWeights(
        stacked([p.input_GD for p in parts]),
        stacked(bias),
        [stacked([p.recurrent[i] for p in parts]) for i in range(len(cell.products))],
        inner,
        {name: stacked([p.unit[name] for p in parts]) for name in parts[0].unit},
    )
