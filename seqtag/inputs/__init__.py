"""Inputs of a word: each a class in a file of its own, importable without torch."""

from seqtag.inputs.base import Batch, Input, PieceInput, Training, WordInput
from seqtag.inputs.registry import INPUTS, register

__all__ = ["INPUTS", "Batch", "Input", "PieceInput", "Training", "WordInput", "register"]
