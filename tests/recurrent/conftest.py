"""Fixtures of the tests of recurrent layers."""

import pytest
import torch

from seqtag.cells import Cell, Lstm, Rnn, build_cell

CELLS = {"lstm": Lstm(), "gru": build_cell("gru"), "rnn": Rnn(), "rnn_relu": Rnn("relu")}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(params=CELLS)
def cell(request) -> Cell:
    return CELLS[request.param]


@pytest.fixture(params=["cpu", "torch", "loop", "reference"])
def engine(request) -> str:
    return request.param


@pytest.fixture
def outcome():
    """Return a function that runs a float64 layer on an engine and returns all results.

    These are y, final states and the gradients of x, initial states and parameters. After the ends
    of sequences x is NaN. Each run draws the same noise.
    """

    def run(layer, engine, lengths=None, x=None, batch=5, time=7):
        draw = torch.Generator().manual_seed(1)
        if x is None:
            x = torch.randn(batch, time, layer.input_size, dtype=torch.float64, generator=draw)
            if lengths is not None:
                x[torch.arange(time) >= lengths[:, None]] = float("nan")
        x = x.detach().clone().requires_grad_()
        shape = (layer.num_layers * len(layer.directions), len(x), layer.hidden_size)
        parts = [
            torch.rand(shape, dtype=x.dtype, generator=draw).requires_grad_()
            for _ in layer.cell.states
        ]
        layer.engine = engine
        layer.zero_grad()
        torch.manual_seed(2)
        y, end = layer(x, lengths, tuple(parts) if len(parts) > 1 else parts[0])
        ends = (end,) if isinstance(end, torch.Tensor) else end
        (y.square().sum() + sum(e.pow(3).sum() for e in ends)).backward()
        leaves = (x, *parts, *layer.parameters())
        grads = [torch.zeros_like(t) if t.grad is None else t.grad for t in leaves]
        return [y.detach(), *(e.detach() for e in ends), *grads]

    return run
