"""Recurrent cells: each a spec with its step written once."""

from seqtag.cells.gru import Gru, GruResetBefore
from seqtag.cells.janet import Janet
from seqtag.cells.lstm import Lstm
from seqtag.cells.lstm_layernorm import LayerNormLstm
from seqtag.cells.minimal import MinGru, MinLstm
from seqtag.cells.registry import PRESETS, build_cell, describe
from seqtag.cells.rnn import IndRnn, Rnn
from seqtag.cells.slstm import SLstm
from seqtag.cells.spec import Cell, Product, Vector

__all__ = [
    "PRESETS",
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
]
