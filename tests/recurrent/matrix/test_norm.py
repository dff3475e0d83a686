"""The compiled norm with a gate against torch's operations, in float64.

T time, B batch, A groups, E features of a group.
"""

import pytest
import torch
from torch.nn.functional import layer_norm, silu

from seqtag.cells.linear import GatedNorm
from seqtag.recurrent.matrix.norm import run_gated_norm

T, B, A, E = 3, 2, 2, 11
ACTIVATIONS = {"sigmoid": torch.sigmoid, "silu": silu, "identity": lambda v: v}


def expected(x, norm):
    act = ACTIVATIONS[norm.activation](norm.gate)
    x = x * act if norm.first else x
    if norm.center:
        x = layer_norm(x, x.shape[-1:])
    else:
        x = x * ((x * x).mean(-1, keepdim=True) + 1e-5).rsqrt()
    y = norm.gain.view(x.shape[2:]) * x
    if not norm.first:
        y = act * (y if norm.more is None else y + norm.more)
    return y.flatten(-2)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "sigmoid", "center": True},
        {"activation": "silu"},
        {"activation": "silu", "first": True},
        {"activation": "identity", "center": True, "more": True},
    ],
    ids=str,
)
def test_equals_torch(options):
    torch.manual_seed(0)
    leaves = [torch.randn(T, B, A, E, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    gain = torch.randn(A * E, dtype=torch.float64, requires_grad=True)
    x, gate, more = leaves
    norm = GatedNorm(gate, gain, **{**options, "more": more if "more" in options else None})
    results = run_gated_norm(x, norm), expected(x, norm)
    torch.testing.assert_close(*results, atol=1e-12, rtol=1e-11)
    weight = torch.randn(T, B, A * E, dtype=torch.float64)
    used = [x, gate, gain, *([more] if "more" in options else [])]
    grads = [torch.autograd.grad((weight * h).sum(), used) for h in results]
    torch.testing.assert_close(*grads, atol=1e-12, rtol=1e-10)
