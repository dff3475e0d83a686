"""How much memory a tagger network needs, before it is built."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from seqtag.cells import build_cell
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig

# Training holds each weight and its gradient, in float32.
_BYTES = 8
_GIGABYTE = 2**30


def require_memory(
    config: TaggerConfig, cell: Mapping[str, Any] | str, sizes: Mapping[str, Any]
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
    needed = _BYTES * least_weights(config, cell, sizes)
    if needed > there:
        raise InputError(
            f"model: a network of this size needs {needed / _GIGABYTE:,.0f} GB of memory, and this "
            f"machine has {there / _GIGABYTE:,.0f}: take smaller sizes, or fewer layers "
            f"(model.hidden_size={config.hidden_size}, model.num_layers={config.num_layers})"
        )


def least_weights(
    config: TaggerConfig, cell: Mapping[str, Any] | str, sizes: Mapping[str, Any]
) -> int:
    """Return the number of weights in the large matrices of a network; others are left out."""
    ways, hidden = 2 if config.bidirectional else 1, config.hidden_size
    words = config.words.size if config.words else 0
    layers = [words, *[ways * hidden] * (config.num_layers - 1)]
    count = sum(ways * _recurrent(cell, below, hidden) for below in layers)
    count += words * sizes["words"] + config.subword_size * sizes["pieces"]
    if config.language_model:
        count += hidden * min(config.language_model_words, sizes["words"])
    if characters := config.characters:
        if characters.encoder == "cnn":
            count += characters.size * characters.filters * sum(characters.widths)
        else:
            count += 2 * _recurrent(characters.encoder, characters.size, characters.hidden_size)
        count += characters.size * sizes["characters"]
    return count


def _recurrent(cell: Mapping[str, Any] | str, below: int, hidden: int) -> int:
    """Return the weights of one direction of a recurrent layer."""
    spec = build_cell(cell)
    recurrent = sum(len(product.gates) for product in spec.products) + len(spec.inner_gates)
    return hidden * (len(spec.gates) * below + recurrent * hidden)
