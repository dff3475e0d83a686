"""Recurrent cells: each is a spec with one step function, registered by name.

Register your own cell in any module that the program imports, or in an installed package through an
entry point of the group ``seqtag.cells``:

    @register("mine")
    class Mine(Cell):
        forget_bias: float = 1.0
        ...

`Cell` shows a complete one.
"""

from seqtag.cells.gru import Gru, GruResetBefore
from seqtag.cells.janet import Janet
from seqtag.cells.lstm import Lstm
from seqtag.cells.lstm_layernorm import LayerNormLstm
from seqtag.cells.minimal import MinGru, MinLstm
from seqtag.cells.registry import CELLS, CellDescription, build_cell, describe, register
from seqtag.cells.rnn import IndRnn, Rnn
from seqtag.cells.slstm import SLstm
from seqtag.cells.spec import Cell, Product, Vector

__all__ = [
    "CELLS",
    "Cell",
    "CellDescription",
    "Gru",
    "GruResetBefore",
    "IndRnn",
    "Janet",
    "LayerNormLstm",
    "Lstm",
    "MinGru",
    "MinLstm",
    "Product",
    "Rnn",
    "SLstm",
    "Vector",
    "build_cell",
    "describe",
    "register",
]
