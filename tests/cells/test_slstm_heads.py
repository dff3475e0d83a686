"""slstm with heads: blocks on the diagonal of R, and R starting at 0."""

import torch

from seqtag.cells import SLstm
from seqtag.recurrent import Recurrent

D, H = 3, 6


def test_heads_equal_a_full_layer_with_zeros_between_them():
    torch.manual_seed(0)
    heads = Recurrent(SLstm(heads=2), D, H, engine="reference").double()
    full = Recurrent(SLstm(), D, H, engine="reference").double()
    direction = heads.layers[0]["fwd"]
    weights = dict(direction.named_parameters())
    weights["weight_recurrent"] = torch.cat(
        [
            torch.block_diag(*gate.split(H // 2))
            for gate in direction.weight_recurrent.detach().split(H)
        ]
    )
    full.layers[0]["fwd"].load_state_dict(weights)
    x = torch.randn(2, 5, D, dtype=torch.float64)
    torch.testing.assert_close(heads(x), full(x))


def test_r_starts_at_zero():
    cell = {"name": "slstm", "heads": 3, "recurrent_start": "zero"}
    weight = Recurrent(cell, D, H).layers[0]["fwd"].weight_recurrent
    assert weight.shape == (4 * H, H // 3)
    assert not weight.any()
