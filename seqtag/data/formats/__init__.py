"""Data formats: one file a format, read into sentences for training and tagging alike.

A format of one's own is a subclass of `Format`, registered by `register` or by an entry point of
the group ``seqtag.formats``.
"""

from seqtag.data.formats.base import FORMATS, Format, find_format, register
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.sentence import Sentence

__all__ = ["FORMATS", "Format", "Layout", "Sentence", "Source", "find_format", "register"]
