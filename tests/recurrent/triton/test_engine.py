"""Every cell on the triton engine, in Triton's interpreter, against the reference in float64."""

import pytest
import torch

pytest.importorskip("triton")

from seqtag.cells import CELLS, Lstm
from seqtag.recurrent.engines.registry import choose_engine

RAGGED = torch.tensor([5, 0, 1, 3, 5])


def assert_equal(found, expected, tolerance):
    for a, b in zip(found, expected, strict=True):
        assert (a.double() - b).norm() <= tolerance * (1e-6 + b.norm())


@pytest.mark.triton
@pytest.mark.parametrize("name", CELLS.names())
def test_cells_equal_the_reference(name, layer_of, outcome):
    layer = layer_of(name)
    found = outcome(layer, "triton", torch.float32, RAGGED)
    assert_equal(found, outcome(layer, "reference", torch.float64, RAGGED), 1e-6)


@pytest.mark.parametrize("name", ["lstm_peephole", "minlstm", "gru_reset_before"])
def test_cells_of_each_kind(name, layer_of, outcome):
    """One with one stage, one without a product, and one with two stages; traces too."""
    layer, lengths = layer_of(name, hidden=5), torch.tensor([2, 0, 1])
    found = outcome(layer, "triton", torch.float32, lengths, trace=True)
    assert_equal(found, outcome(layer, "reference", torch.float64, lengths, trace=True), 1e-6)


def test_auto_chooses_it_on_a_gpu_only():
    assert choose_engine("auto", Lstm(), torch.zeros(1, 1, 1), False).name == "cpu"
