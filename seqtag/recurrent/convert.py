"""Convert `nn.LSTM`, `nn.GRU` and `nn.RNN` to the layer `Recurrent`, and back.

Torch has two biases; a `Recurrent` has their sum, except that the candidate of gru has a separate
recurrent bias. The order of gates is the same.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqtag.cells import Cell, Gru, Lstm, Rnn
from seqtag.errors import InputError
from seqtag.recurrent.engines.torch import is_in_torch

SUFFIXES = {"fwd": "", "bwd": "_reverse"}
NOT_IN_TORCH = (
    "residual",
    "layer_norm",
    "locked_dropout",
    "recurrent_dropout",
    "weight_drop",
    "zoneout",
)
SHARED_OPTIONS = ("input_size", "hidden_size", "num_layers", "bidirectional", "bias", "dropout")


def read_torch(module: nn.RNNBase) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the options and the state dict of a `Recurrent` that computes the same function.

    Raises:
        InputError: for any other module, or an LSTM with projections.
    """
    if isinstance(module, nn.LSTM) and not module.proj_size:
        cell: Cell = Lstm()
    elif isinstance(module, nn.GRU):
        cell = Gru()
    elif isinstance(module, nn.RNN):
        cell = Rnn(activation=module.nonlinearity)
    else:
        raise InputError(f"expected nn.LSTM (without proj_size), nn.GRU or nn.RNN, not {module}")
    weights = {}
    for layer, direction, suffix in _directions_of(module):
        ours, theirs = f"layers.{layer}.{direction}.", f"l{layer}{suffix}"
        weights[f"{ours}weight_input"] = getattr(module, f"weight_ih_{theirs}").detach()
        weights[f"{ours}weight_recurrent"] = getattr(module, f"weight_hh_{theirs}").detach()
        if not module.bias:
            continue
        b_G = getattr(module, f"bias_ih_{theirs}").detach()
        r_G = getattr(module, f"bias_hh_{theirs}").detach()
        if isinstance(cell, Gru):
            r_G, weights[f"{ours}bias_recurrent"] = _split_candidate(r_G)
        weights[f"{ours}bias"] = b_G + r_G
    return {"cell": cell, **{name: getattr(module, name) for name in SHARED_OPTIONS}}, weights


@torch.no_grad()
def write_torch(
    cell: Cell, options: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> nn.RNNBase:
    """Return the torch module that computes the same function, batch first.

    Args:
        cell: the cell of the layer.
        options: the layer's options named in `SHARED_OPTIONS` and in `NOT_IN_TORCH`.
        weights: the layer's state dict.

    Raises:
        InputError: if torch has no such cell or option.
    """
    for option in NOT_IN_TORCH:
        if options[option]:
            raise InputError(f"torch's modules have no {option}")
    shared = {name: options[name] for name in SHARED_OPTIONS}
    # Torch warns about dropout in a module with one layer, where it has no effect.
    shared["dropout"] = shared["dropout"] if shared["num_layers"] > 1 else 0.0
    module = _empty_module(cell, shared).to(next(iter(weights.values())))
    for index, direction, suffix in _directions_of(module):
        at, theirs = f"layers.{index}.{direction}.", f"l{index}{suffix}"
        getattr(module, f"weight_ih_{theirs}").copy_(weights[f"{at}weight_input"])
        getattr(module, f"weight_hh_{theirs}").copy_(weights[f"{at}weight_recurrent"])
        if shared["bias"]:
            getattr(module, f"bias_ih_{theirs}").copy_(weights[f"{at}bias"])
            recurrent_G = getattr(module, f"bias_hh_{theirs}").zero_()
            if isinstance(cell, Gru):
                recurrent_G[-shared["hidden_size"] :] = weights[f"{at}bias_recurrent"]
    return module


def _empty_module(cell: Cell, options: dict[str, Any]) -> nn.RNNBase:
    if not is_in_torch(cell):
        raise InputError(f"torch has no such cell: {cell}")
    if isinstance(cell, Rnn):
        return nn.RNN(**options, nonlinearity=cell.activation, batch_first=True)
    kind = nn.LSTM if isinstance(cell, Lstm) else nn.GRU
    return kind(**options, batch_first=True)


def _directions_of(module: nn.RNNBase) -> list[tuple[int, str, str]]:
    """Return (layer, direction, suffix of torch's parameter names) for each direction."""
    directions = ("fwd", "bwd") if module.bidirectional else ("fwd",)
    return [(layer, d, SUFFIXES[d]) for layer in range(module.num_layers) for d in directions]


def _split_candidate(r_G: Tensor) -> tuple[Tensor, Tensor]:
    """Return the recurrent bias of a GRU with 0 for the candidate, and the candidate's bias."""
    gates_G, candidate_H = r_G.clone(), r_G.chunk(3)[2].clone()
    gates_G.chunk(3)[2].zero_()
    return gates_G, candidate_H
