"""Encoders: the part of the network between the words' vectors and the decoder."""

from seqtag.model.encoders.base import Encoder
from seqtag.model.encoders.registry import ENCODERS, register

__all__ = ["ENCODERS", "Encoder", "register"]
