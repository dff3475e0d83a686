"""Fixtures of the tests of Triton kernels, which run in Triton's interpreter on the CPU.

T time, B batch, D features in, H hidden units.
"""

import pytest
import torch

D, H = 4, 20


@pytest.fixture(autouse=True)
def _absent_values():
    """Rows without a sequence are computed too, from zeros, and their results are not stored."""
    import numpy as np

    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def layer_of():
    """Return a function that builds a bidirectional layer whose parameters are random."""
    from seqtag.recurrent import Recurrent

    def build(cell, hidden=H, **options):
        layer = Recurrent(cell, D, hidden, bidirectional=True, **options)
        draw = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.uniform_(-0.5, 0.5, generator=draw)
        return layer

    return build


@pytest.fixture
def outcome():
    """Return a function that runs a layer on an engine, and returns results and all gradients.

    The same numbers are drawn for every dtype; after the ends of sequences x is NaN.
    """

    def run(layer, engine, dtype, lengths, trace=False, padding=float("nan")):
        layer.engine, layer = engine, layer.to(dtype)
        draw = torch.Generator().manual_seed(2)

        def random(*shape):
            return torch.rand(shape, generator=draw, dtype=torch.float64).to(dtype)

        batch, time = len(lengths), int(lengths.max())
        x = random(batch, time, D) - 0.5
        x[torch.arange(time) >= lengths[:, None]] = padding
        x.requires_grad_()
        shape = (2 * layer.num_layers, batch, layer.hidden_size)
        states = [random(*shape).requires_grad_() for _ in layer.cell.states]
        torch.manual_seed(3)
        given = tuple(states) if len(states) > 1 else states[0]
        y, end, *traces = layer(x, lengths, given, trace)
        results = [y, *(end if isinstance(end, tuple) else (end,))]
        results += [v for by_name in traces for side in by_name.values() for v in side.values()]
        loss = sum((result * random(*result.shape)).sum() for result in results)
        return [*results, *torch.autograd.grad(loss, (x, *states, *layer.parameters()))]

    return run
