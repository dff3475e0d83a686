"""Recurrent cells: each a spec with its step written once."""

from seqtag.cells.gru import Gru
from seqtag.cells.lstm import Lstm
from seqtag.cells.registry import PRESETS, build_cell, describe
from seqtag.cells.rnn import Rnn
from seqtag.cells.spec import Cell, Vector

__all__ = ["PRESETS", "Cell", "Gru", "Lstm", "Rnn", "Vector", "build_cell", "describe"]
