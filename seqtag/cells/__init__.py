"""Recurrent cells: each is a spec with one step function, registered by name.

Register your own cell in any module that the program imports, or in an installed package through an
entry point of the group ``seqtag.cells``:

    @register("mine")
    class Mine(Cell):
        forget_bias: float = 1.0
        ...

`Cell` shows a complete one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqtag.cells.registry import CELLS, CellDescription, build_cell, describe, register
from seqtag.cells.spec import Cell, Product, Vector

if TYPE_CHECKING:
    from seqtag.cells.atr import Atr
    from seqtag.cells.brc import Brc, NeuromodulatedBrc
    from seqtag.cells.cfn import Cfn
    from seqtag.cells.cornn import CoRnn
    from seqtag.cells.delta import DeltaNet
    from seqtag.cells.gru import Gru, GruResetBefore
    from seqtag.cells.janet import Janet
    from seqtag.cells.lem import Lem
    from seqtag.cells.lru import Lru
    from seqtag.cells.lstm import Lstm
    from seqtag.cells.lstm_layernorm import LayerNormLstm
    from seqtag.cells.mamba2 import Mamba2
    from seqtag.cells.mgu import Mgu
    from seqtag.cells.minimal import MinGru, MinLstm
    from seqtag.cells.mlstm import MLstm
    from seqtag.cells.multiplicative_lstm import MultiplicativeLstm
    from seqtag.cells.on_lstm import OnLstm
    from seqtag.cells.ran import Ran
    from seqtag.cells.rg_lru import RgLru
    from seqtag.cells.rnn import IndRnn, Rnn
    from seqtag.cells.rwkv7 import Rwkv7
    from seqtag.cells.slstm import SLstm
    from seqtag.cells.sru import Sru
    from seqtag.cells.star import Star
    from seqtag.cells.ugrnn import Ugrnn

__all__ = [
    "CELLS",
    "Atr",
    "Brc",
    "Cell",
    "CellDescription",
    "Cfn",
    "CoRnn",
    "DeltaNet",
    "Gru",
    "GruResetBefore",
    "IndRnn",
    "Janet",
    "LayerNormLstm",
    "Lem",
    "Lru",
    "Lstm",
    "MLstm",
    "Mamba2",
    "Mgu",
    "MinGru",
    "MinLstm",
    "MultiplicativeLstm",
    "NeuromodulatedBrc",
    "OnLstm",
    "Product",
    "Ran",
    "RgLru",
    "Rnn",
    "Rwkv7",
    "SLstm",
    "Sru",
    "Star",
    "Ugrnn",
    "Vector",
    "build_cell",
    "describe",
    "register",
]

# The file of each class. They are imported on first use, since running an exported tagger needs
# none of them.
_FILES = {
    "Atr": "atr",
    "Brc": "brc",
    "NeuromodulatedBrc": "brc",
    "Cfn": "cfn",
    "CoRnn": "cornn",
    "DeltaNet": "delta",
    "Gru": "gru",
    "GruResetBefore": "gru",
    "Janet": "janet",
    "Lem": "lem",
    "Lstm": "lstm",
    "LayerNormLstm": "lstm_layernorm",
    "Lru": "lru",
    "Mamba2": "mamba2",
    "Mgu": "mgu",
    "MinGru": "minimal",
    "MinLstm": "minimal",
    "MLstm": "mlstm",
    "MultiplicativeLstm": "multiplicative_lstm",
    "OnLstm": "on_lstm",
    "Ran": "ran",
    "RgLru": "rg_lru",
    "IndRnn": "rnn",
    "Rnn": "rnn",
    "Rwkv7": "rwkv7",
    "SLstm": "slstm",
    "Sru": "sru",
    "Star": "star",
    "Ugrnn": "ugrnn",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
