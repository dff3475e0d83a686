"""Data formats: one file per format, read into sentences for training and tagging alike.

To add a format, write a subclass of `Format` and register it with `register`, or with an entry
point of the group ``seqtag.formats``.
"""

from seqtag.data.formats.base import FORMATS, Format, find_format, register
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.sentence import Sentence

__all__ = ["FORMATS", "Format", "Layout", "Sentence", "Source", "find_format", "register"]
