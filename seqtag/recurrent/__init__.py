"""The recurrent layer: runs a cell over sequences."""

from seqtag.recurrent.layer import Recurrent

__all__ = ["Recurrent"]
