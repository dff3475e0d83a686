"""What a run of a probe was: its columns in the tables, and the size of its encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqtag.cells import CELLS, build_cell, describe
from seqtag.errors import InputError
from seqtag.recurrent.layer import Recurrent
from seqtag.tagging.tagger import Tagger

# Fields of a cell's spec that say where biases start, not what the cell is.
_STARTS = ("forget_bias", "update_bias", "chrono")


def about(config: Mapping[str, Any], tagger: Tagger) -> dict[str, Any]:
    """Return the columns that are the same for the whole run, as `seqtag.columns` names them.

    The seed is that of the tagger's training, where its folder tells.
    """
    encoder = tagger.network.encoder
    seed = (tagger.figures or {}).get("seed")
    return {
        "run": Path(config["paths"]["output_dir"]).name,
        "cell": cell_label(tagger.cell),
        "start": start_label(tagger.cell),
        "direction": "both" if encoder.bidirectional else "forward",
        "layers": encoder.num_layers,
        "hidden": encoder.hidden_size,
        "parameters": count_parameters(encoder),
        "seed": seed if isinstance(seed, int) else config["seed"],
        "data_seed": config["data"]["seed"],
    }


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def cell_label(cell: Mapping[str, Any] | str) -> str:
    """Return a cell's name, with the options that are not its preset's: "lstm(peepholes=i,o)"."""
    name = cell if isinstance(cell, str) else cell["name"]
    given, preset = describe(build_cell(cell)), describe(CELLS[name].make())
    changed = [
        f"{key}={','.join(value) if isinstance(value, list) else value}"
        for key, value in given.items()
        if key not in _STARTS and value != preset[key]
    ]
    return f"{name}({', '.join(changed)})" if changed else name


def start_label(cell: Mapping[str, Any] | str) -> str:
    """Return where a cell's gates start: "chrono 100", "bias 1", or "" without such a gate."""
    spec = describe(build_cell(cell))
    if spec.get("forget_gate") == "none":
        return ""
    if spec.get("chrono"):
        return f"chrono {spec['chrono']}"
    biases = [spec[key] for key in _STARTS if key in spec and key != "chrono"]
    return f"bias {biases[0]:g}" if biases else ""


def hidden_size_for(
    cell: Mapping[str, Any] | str, parameters: int, input_size: int, model: Mapping[str, Any]
) -> int:
    """Return the units with which an encoder comes nearest to so many parameters.

    Raises:
        InputError: if one unit is already too much.
    """

    def count(hidden_size: int) -> int:
        with torch.device("meta"):
            encoder = Recurrent(
                cell, input_size, hidden_size, model["num_layers"], model["bidirectional"]
            )
        return count_parameters(encoder)

    if count(1) > parameters:
        raise InputError(f"parameters={parameters}: one unit of this cell has {count(1)}")
    low, high = 1, 2
    while count(high) <= parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameters else (low, middle)
    return min((low, high), key=lambda units: abs(count(units) - parameters))
