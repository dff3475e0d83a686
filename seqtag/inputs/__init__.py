"""Inputs of a word: one class per file, importable without torch."""

from seqtag.inputs.base import Batch, Input, PieceInput, Training, WordInput
from seqtag.inputs.registry import INPUTS, register

__all__ = ["INPUTS", "Batch", "Input", "PieceInput", "Training", "WordInput", "register"]
