"""Recurrent cells: each a spec with its step written once, in one file, registered by name.

A cell of one's own, in any module that the program imports, or in an installed package by an entry
point of the group ``seqtag.cells``:

    @register("mine")
    class Mine(Cell):
        forget_bias: float = 1.0
        ...
"""

from seqtag.cells.gru import Gru, GruResetBefore
from seqtag.cells.janet import Janet
from seqtag.cells.lstm import Lstm
from seqtag.cells.lstm_layernorm import LayerNormLstm
from seqtag.cells.minimal import MinGru, MinLstm
from seqtag.cells.registry import CELLS, build_cell, describe, register
from seqtag.cells.rnn import IndRnn, Rnn
from seqtag.cells.slstm import SLstm
from seqtag.cells.spec import Cell, Product, Vector

__all__ = [
    "CELLS",
    "Cell",
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
