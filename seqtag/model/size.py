"""The size of a tagger network before it is built: its memory, and units for given parameters."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seqtag.cells import CellDescription
from seqtag.errors import InputError
from seqtag.inputs import Input
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork

# Training needs each weight and its gradient, in float32. Buffers have no gradient.
_BYTES = 8
_GIGABYTE = 2**30


class SkipInitialisation(TorchFunctionMode):
    """Context in which weights are not initialised, because loaded ones replace them.

    Drawing initial weights would advance the caller's random generator, and takes most of the time
    of loading: on the meta device it even makes torch import its compiler.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        module, name = getattr(func, "__module__", ""), getattr(func, "__name__", "")
        if module == "torch.nn.init" or name in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        if func is torch.linalg.qr:  # called by orthogonal initialisation
            return args[0], args[0]
        return func(*args, **(kwargs or {}))


def meta_network(
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    num_labels: int,
) -> TaggerNetwork:
    """Return a network on the meta device: its weights have shapes but no memory."""
    with torch.device("meta"), SkipInitialisation():
        return TaggerNetwork(config, cell, inputs, num_labels)


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable values of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def hidden_size_for(
    cell: CellDescription, parameters: int, input_size: int, model: TaggerConfig
) -> int:
    """Return the hidden size at which an encoder's parameter count is closest to `parameters`.

    Raises:
        InputError: if the smallest possible encoder has more parameters than that.
    """
    encoder = model.built_encoder
    step = encoder.multiple(cell)

    def count(units: int) -> int:
        with torch.device("meta"), SkipInitialisation():
            sized = replace(model, hidden_size=units * step)
            return count_parameters(encoder.module(input_size, sized, cell))

    if count(1) > parameters:
        units = "one unit of this cell" if step == 1 else f"the smallest encoder, of {step} units,"
        raise InputError(f"parameters={parameters} is too small: {units} has {count(1)}")
    low, high = 1, 2
    while count(high) <= parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameters else (low, middle)
    return step * min((low, high), key=lambda units: abs(count(units) - parameters))


def with_parameters(
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    parameters: int,
) -> TaggerConfig:
    """Return a configuration whose hidden size gives the encoder about this many parameters.

    Raises:
        InputError: if the smallest possible encoder has more.
    """
    input_size = meta_network(config, cell, inputs, 1).input_size
    return replace(config, hidden_size=hidden_size_for(cell, parameters, input_size, config))


def require_memory(
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    num_labels: int,
) -> None:
    """Raise InputError if weights and gradients of a network exceed this machine's memory.

    Otherwise the operating system would kill the process later, without a message.

    Raises:
        InputError: with the needed and the available memory.
    """
    try:
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # not available on this system
        return
    network = meta_network(config, cell, inputs, num_labels)
    needed = _BYTES * count_parameters(network) + sum(b.nbytes for b in network.buffers())
    if needed > available:
        raise InputError(
            f"model: a network of this size needs {needed / _GIGABYTE:,.0f} GB of memory, and this "
            f"machine has {available / _GIGABYTE:,.0f}: choose smaller sizes or fewer layers "
            f"(model.hidden_size={config.hidden_size}, model.num_layers={config.num_layers})"
        )
