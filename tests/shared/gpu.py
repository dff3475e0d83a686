"""The device of the tests in tests/gpu, and results of a layer on a device.

SEQTAG_TEST_DEVICE=cpu runs these tests without a GPU; the cpu engine then stands for the engine of
kernels for GPUs. This checks the tests themselves.
"""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from seqtag.recurrent import Recurrent

DEVICE = os.environ.get("SEQTAG_TEST_DEVICE", "cuda")
ON_GPU = DEVICE == "cuda"
# The engine of kernels that are generated from a cell's step.
KERNELS = "triton" if ON_GPU else "cpu"
MISSING = None if not ON_GPU or torch.cuda.is_available() else "needs a GPU that CUDA can use"
D = 12


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Set whether products of float32 matrices on a GPU may use TF32."""
    parts = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [part.allow_tf32 for part in parts]
    for part in parts:
        part.allow_tf32 = allowed
    yield
    for part, value in zip(parts, before, strict=True):
        part.allow_tf32 = value


def layer_of(cell, hidden=37, **options) -> Recurrent:
    """Return a bidirectional float64 layer whose weights are of the size of trained ones."""
    torch.manual_seed(0)
    layer = Recurrent(cell, D, hidden, bidirectional=True, **options).double()
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)
    return layer


def run(
    layer: Recurrent,
    engine: str,
    device: str = DEVICE,
    dtype: torch.dtype = torch.float32,
    *,
    lengths: Tensor | None = None,
    batch: int = 5,
    time: int = 9,
    trace: bool = False,
    autocast: torch.dtype | None = None,
    extra_steps: int = 0,
    start: bool = True,
) -> dict[str, Tensor]:
    """Run a copy of a layer forwards and backwards; return all results by name, in float64.

    Inputs and initial states depend on the sizes alone; after the ends of sequences x is NaN. The
    loss reads outputs, final states and traces. Without `start` the initial states are the default
    and the loss reads no final states, whose scale is a choice of the engine if a cell stabilises
    them.
    """
    layer = copy.deepcopy(layer).to(device, dtype)
    layer.engine = engine
    draw = torch.Generator().manual_seed(1)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=draw).to(device, dtype)

    x = random(batch, time, D)
    names = layer.cell.states if start else ()
    states = [random(2, batch, layer.hidden_size).sigmoid() for _ in names]
    weight_y = random(batch, time, 2 * layer.hidden_size)
    if lengths is not None:
        lengths = lengths.to(device)
        x[torch.arange(time, device=device) >= lengths[:, None]] = float("nan")
    x = torch.nn.functional.pad(x, (0, 0, 0, extra_steps), value=float("inf"))
    for leaf in (x, *states):
        leaf.requires_grad_()
    torch.manual_seed(2)  # of noise
    given = None if not start else tuple(states) if len(states) > 1 else states[0]
    with torch.autocast(device, autocast) if autocast else nullcontext():
        y, end, *traces = layer(x, lengths, given, trace)
    ends = (end,) if isinstance(end, Tensor) else end
    seen = {
        f"{side} {name}": value
        for by_side in traces
        for side, values in by_side.items()
        for name, value in values.items()
    }
    loss = (y[:, :time] * weight_y).sum()
    if start:
        loss = loss + sum((e * random(*e.shape)).sum() for e in ends)
    (loss + sum(value.square().sum() for value in seen.values())).backward()
    finals = {f"final {n}": e for n, e in zip(layer.cell.states, ends, strict=True)}
    results = {"y": y, **finals, **seen}
    named = {"x": x, **dict(zip(names, states, strict=True)), **dict(layer.named_parameters())}
    results |= {f"gradient of {n}": t.grad for n, t in named.items() if t.grad is not None}
    return {name: value.detach().double().cpu() for name, value in results.items()}


def reference(layer: Recurrent, **options) -> dict[str, Tensor]:
    """Return the results of the reference engine in float64 on the CPU."""
    return run(layer, "reference", "cpu", torch.float64, **options)


def worst_error(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """Return the largest relative error (of norms) of the results."""
    assert found.keys() == expected.keys()
    worst = 0.0
    for name, value in found.items():
        assert value.isfinite().all(), f"{name} is not finite"
        assert value.shape == expected[name].shape
        norm = expected[name].norm().item()
        worst = max(worst, (value - expected[name]).norm().item() / (norm or 1.0))
    return worst
