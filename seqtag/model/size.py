"""How large a tagger network is, before it is built."""

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seqtag.cells import CellDescription
from seqtag.errors import InputError
from seqtag.inputs import Input
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork

# Training holds each weight and its gradient, in float32.
_BYTES = 8
_GIGABYTE = 2**30


class SkipInitialisation(TorchFunctionMode):
    """Leaves first weights as they are in memory: the loaded ones take their place at once.

    Drawing them would change the random numbers of whoever loads a tagger, and takes most of
    the time of a start: on the meta device alone it makes torch import its compiler.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        module, name = getattr(func, "__module__", ""), getattr(func, "__name__", "")
        if module == "torch.nn.init" or name in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        if func is torch.linalg.qr:  # of an orthogonal first weight
            return args[0], args[0]
        return func(*args, **(kwargs or {}))


def meta_network(
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    num_labels: int,
) -> TaggerNetwork:
    """Return a network whose weights have shapes, but no memory."""
    with torch.device("meta"), SkipInitialisation():
        return TaggerNetwork(config, cell, inputs, num_labels)


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable values of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def require_memory(
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    num_labels: int,
) -> None:
    """Refuse a network whose weights and gradients are larger than the memory of this machine.

    Where memory is short the system ends the process without a word, at whatever it does then.

    Raises:
        InputError: saying how much it needs, and how much there is.
    """
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # a system that does not say
        return
    network = meta_network(config, cell, inputs, num_labels)
    needed = _BYTES * count_parameters(network)
    if needed > there:
        raise InputError(
            f"model: a network of this size needs {needed / _GIGABYTE:,.0f} GB of memory, and this "
            f"machine has {there / _GIGABYTE:,.0f}: take smaller sizes, or fewer layers "
            f"(model.hidden_size={config.hidden_size}, model.num_layers={config.num_layers})"
        )
