"""Conversion of torch's modules, and back."""

import pytest
import torch
from torch import nn

from seqtag.errors import InputError
from seqtag.recurrent import Recurrent

LENGTHS = torch.tensor([5, 5, 5])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bias", [True, False])
def test_round_trip(kind, bias):
    module = kind(3, 4, num_layers=2, bidirectional=True, bias=bias, batch_first=True, dropout=0.1)
    module = module.double().eval()
    layer = Recurrent.from_torch(module)
    module_again = layer.to_torch()
    assert not layer.training
    assert (layer.dropout, module_again.dropout) == (0.1, 0.1)
    x = torch.randn(3, 5, 3, dtype=torch.float64)
    for other in (layer, module_again):
        torch.testing.assert_close(other(x), module(x))


def test_relu_is_converted():
    layer = Recurrent.from_torch(nn.RNN(3, 4, nonlinearity="relu"))
    assert layer.cell.activation == "relu"
    assert layer.to_torch().nonlinearity == "relu"


def test_weights_are_copies():
    module = nn.LSTM(3, 4)
    layer = Recurrent.from_torch(module)
    nn.init.zeros_(layer.layers[0]["fwd"].weight_input)
    assert module.weight_ih_l0.any()


def test_modules_and_options_without_a_counterpart_are_refused():
    for module in (nn.LSTM(3, 4, proj_size=2), nn.Linear(3, 4)):
        with pytest.raises(InputError, match=r"expected nn\.LSTM \(without proj_size\)"):
            Recurrent.from_torch(module)
    with pytest.raises(InputError, match="no residual"):
        Recurrent("lstm", 3, 4, 2, residual=True).to_torch()
