"""Formats of annotation tools: texts with spans of characters.

One file per tool, with its reader and its writer; `spans` recognises the tool.
"""

from seqtag.data.formats.annotation import (
    brat,
    doccano,
    label_studio,
    prodigy,
    spacy,
    spans,
)

__all__ = ["brat", "doccano", "label_studio", "prodigy", "spacy", "spans"]
