"""Weights and options of `nn.LSTM`, `nn.GRU` and `nn.RNN`, to and from ours.

Torch keeps two biases where one would do; ours is their sum, except that gru's candidate has its
own recurrent one. The order of gates is the same.
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
    """Return the options of a Recurrent with the same function, and its state dict.

    Raises:
        InputError: for another module, or an LSTM with projections.
    """
    if isinstance(module, nn.LSTM) and not module.proj_size:
        cell: Cell = Lstm()
    elif isinstance(module, nn.GRU):
        cell = Gru()
    elif isinstance(module, nn.RNN):
        cell = Rnn(activation=module.nonlinearity)
    else:
        raise InputError(f"no nn.LSTM (without proj_size), nn.GRU or nn.RNN: {module}")
    weights = {}
    for layer, way, suffix in _directions_of(module):
        ours, theirs = f"layers.{layer}.{way}.", f"l{layer}{suffix}"
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
    """Return the torch module with the same function, batch first.

    Args:
        cell: of the layer.
        options: of the layer: those in `SHARED_OPTIONS` and in `NOT_IN_TORCH`.
        weights: its state dict.

    Raises:
        InputError: where torch has no such cell or option.
    """
    for option in NOT_IN_TORCH:
        if options[option]:
            raise InputError(f"torch's modules have no {option}")
    shared = {name: options[name] for name in SHARED_OPTIONS}
    # Torch warns about dropout that has no layer to act on.
    shared["dropout"] = shared["dropout"] if shared["num_layers"] > 1 else 0.0
    module = _empty_module(cell, shared).to(next(iter(weights.values())))
    for index, way, suffix in _directions_of(module):
        at, theirs = f"layers.{index}.{way}.", f"l{index}{suffix}"
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
    """Return layer, our name of the direction and torch's suffix for it."""
    ways = ("fwd", "bwd") if module.bidirectional else ("fwd",)
    return [(layer, way, SUFFIXES[way]) for layer in range(module.num_layers) for way in ways]


def _split_candidate(r_G: Tensor) -> tuple[Tensor, Tensor]:
    """Return gru's recurrent bias with 0 for the candidate, and the candidate's."""
    gates_G, candidate_H = r_G.clone(), r_G.chunk(3)[2].clone()
    gates_G.chunk(3)[2].zero_()
    return gates_G, candidate_H
