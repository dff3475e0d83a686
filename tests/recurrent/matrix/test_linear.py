"""The compiled product with W against torch's, in float64.

T time, B batch, D features in, G rows of W.
"""

import pytest
import torch
from torch.nn.functional import linear

from seqtag.recurrent.matrix.linear import run_linear

# Parts narrower and wider than a register, and one that fills registers.
SIZES = (1, 16, 19, 3)


def draw(*shape):
    return torch.randn(shape, dtype=torch.float64).requires_grad_()


def gradients(parts, inputs, used=SIZES):
    """Return the gradients of a sum over the parts of `used`, with weights drawn from a seed."""
    torch.manual_seed(2)
    total = sum((p * torch.randn_like(p)).sum() for p in parts if p.shape[2] in used)
    return torch.autograd.grad(total, [i for i in inputs if i is not None])


@pytest.mark.parametrize(("time", "batch"), [(37, 5), (1, 1), (3, 1), (150, 40)])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("count", [1, 2])
def test_values_and_gradients_are_those_of_torch(time, batch, with_bias, count, set_threads):
    torch.manual_seed(1)
    x_TBD, weight_GD = draw(batch, time, 21).transpose(0, 1), draw(sum(SIZES), 21)
    inputs = (x_TBD, weight_GD, draw(sum(SIZES)) if with_bias else None)
    set_threads(count)
    parts = run_linear(*inputs, SIZES)
    got = gradients(parts, inputs)
    expected = linear(*inputs).split(SIZES, dim=-1)
    torch.testing.assert_close(list(parts), list(expected))
    torch.testing.assert_close(got, gradients(expected, inputs))


def test_a_part_that_nothing_reads_has_no_share_in_the_gradients():
    torch.manual_seed(1)
    inputs = draw(7, 2, 9), draw(sum(SIZES), 9), draw(sum(SIZES))
    used = (16, 3)
    expected = gradients(linear(*inputs).split(SIZES, dim=-1), inputs, used)
    torch.testing.assert_close(gradients(run_linear(*inputs, SIZES), inputs, used), expected)


def test_inputs_without_a_gradient():
    torch.manual_seed(1)
    x_TBD, weight_GD, bias_G = draw(7, 2, 9).detach(), draw(sum(SIZES), 9), draw(sum(SIZES))
    parts = run_linear(x_TBD, weight_GD, bias_G, SIZES)
    expected = linear(x_TBD, weight_GD, bias_G).split(SIZES, dim=-1)
    inputs = (weight_GD, bias_G)
    torch.testing.assert_close(gradients(parts, inputs), gradients(expected, inputs))
