"""The closed registry of cells: a name, or plain values, to a spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from seqtag.cells.gru import Gru, GruResetBefore
from seqtag.cells.janet import Janet
from seqtag.cells.lstm import Lstm
from seqtag.cells.lstm_layernorm import LayerNormLstm
from seqtag.cells.minimal import MinGru, MinLstm
from seqtag.cells.rnn import IndRnn, Rnn
from seqtag.cells.slstm import SLstm
from seqtag.cells.spec import Cell
from seqtag.checks import from_plain
from seqtag.errors import InputError, did_you_mean, shown

# A name stands for a spec with its fields set; further fields given beside the name override it.
PRESETS: dict[str, Cell] = {
    "lstm": Lstm(),
    "lstm_peephole": Lstm(peepholes=("i", "f", "o")),
    "cifg": Lstm(input_gate="coupled"),
    "nig": Lstm(input_gate="none"),
    "nfg": Lstm(forget_gate="none"),
    "nog": Lstm(output_gate="none"),
    "niaf": Lstm(cell_activation="identity"),
    "noaf": Lstm(output_activation="identity"),
    "fgr": Lstm(gate_recurrence=True),
    "janet": Janet(),
    "lstm_layernorm": LayerNormLstm(),
    "gru": Gru(),
    "gru_reset_before": GruResetBefore(),
    "rnn": Rnn(),
    "rnn_relu": Rnn(activation="relu"),
    "indrnn": IndRnn(),
    "minlstm": MinLstm(),
    "mingru": MinGru(),
    "slstm": SLstm(),
}


# A name, a mapping with the name under "name" and fields beside it, or a spec.
CellDescription = str | Mapping[str, Any] | Cell


def build_cell(cell: CellDescription) -> Cell:
    """Return the spec for a name, or for a mapping with the name under "name" and fields beside.

        build_cell("lstm")
        build_cell({"name": "lstm", "forget_bias": 0.0})

    A spec is returned as it is.

    Raises:
        InputError: for an unknown name or field (the nearest real one is offered), a missing
            name, or a value that the spec refuses.
    """
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, str):
        cell = {"name": cell}
    if not isinstance(cell, Mapping):
        raise InputError(f"a cell is a name or a mapping with a name, not {shown(cell)}")
    fields = dict(cell)
    name = fields.pop("name", None)
    if name is None:
        raise InputError(f"cell: key 'name' is missing; the cells are {', '.join(PRESETS)}")
    if not isinstance(name, str) or name not in PRESETS:
        hint = did_you_mean(name, PRESETS)
        raise InputError(f"unknown cell {shown(name)}{hint}; the cells are {', '.join(PRESETS)}")
    preset = PRESETS[name]
    return from_plain(type(preset), {**describe(preset), **fields}, f"cell {name!r}")


def describe(cell: Cell) -> dict[str, Any]:
    """Return the fields of a spec as plain values, such as JSON has them, without a name."""
    fields = dataclasses.asdict(cell)  # type: ignore[call-overload]
    return {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}
