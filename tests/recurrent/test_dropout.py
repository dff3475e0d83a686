"""The fast dropout, and layers with `Entries` as input."""

import pytest
import torch

from seqtag.recurrent.dropout import Dropout, dropout
from seqtag.recurrent.entries import Entries
from seqtag.recurrent.layer import Recurrent


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1e-9])
@pytest.mark.parametrize("shape", [(400, 501), (7, 3, 9001)])
def test_share_scale_and_independence(p, shape):
    x = torch.ones(shape, requires_grad=True)
    y = dropout(x, p, training=True)
    kept = y != 0
    assert abs(kept.double().mean().item() - (1 - p)) < 0.005
    torch.testing.assert_close(
        y[kept], torch.full((int(kept.sum()),), 1 / (1 - p)), rtol=1e-4, atol=0
    )
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    # The four elements of one draw are uncorrelated.
    if p == 0.5:
        elements = kept.flatten()[: kept.numel() // 4 * 4].view(-1, 4).double()
        assert (torch.corrcoef(elements.T) - torch.eye(4)).abs().max() < 0.02


def test_no_dropout_in_evaluation_and_with_share_0():
    x = torch.randn(5)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x
    assert Dropout(0.5).eval()(x) is x
    assert not torch.equal(Dropout(0.5)(torch.ones(99)), torch.ones(99))
    assert dropout(torch.empty(0, 3), 0.5, training=True).shape == (0, 3)


def test_a_seed_fixes_the_mask():
    masks = []
    for _ in range(2):
        torch.manual_seed(4)
        masks.append(dropout(torch.ones(1001), 0.3, training=True))
    assert torch.equal(*masks)


@pytest.mark.parametrize(
    ("cell", "dtype"),
    [("lstm", torch.float32), ("gru", torch.float32), ("mingru", torch.float64)],
)
@pytest.mark.parametrize("engine", ["cpu", "loop"])
def test_entries_give_the_same_results_as_x(cell, dtype, engine):
    """Bitwise; after the end `rows` can hold any entry of the table."""
    layer = Recurrent(cell, 5, 7, 2, True, engine=engine).to(dtype).eval()
    table, rows = torch.randn(4, 5, dtype=dtype), torch.randint(0, 4, (3, 6))
    for lengths in (None, torch.tensor([4, 0, 3]), torch.tensor([0, 0, 0])):
        entries = Entries(table, rows)
        with torch.no_grad():
            actual = layer(entries, lengths)
            expected = layer(entries.gather(), lengths)
        assert torch.equal(actual[0], expected[0])
        for a, b in zip(actual[1], expected[1], strict=True):
            assert torch.equal(a, b)
    layer(entries)[0].sum().backward()
    assert layer.layers[0]["fwd"].weight_input.grad.any()
