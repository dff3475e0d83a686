"""Files of any annotation tool, which is recognised by their content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from seqtag.data.formats.annotation.base import AnnotationFormat
from seqtag.data.formats.annotation.json_records import Record, json_records
from seqtag.data.formats.annotation.json_tool import JsonTool
from seqtag.data.formats.annotation.spacy import ZLIB_START
from seqtag.data.formats.base import find_format, register
from seqtag.data.formats.document import Document
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.span_options import SpanOptions
from seqtag.errors import InputError, listed, shown

# Tools whose files contain JSON, in the order in which their forms are tried.
_JSON_TOOLS = ("label_studio", "prodigy", "doccano")
# Records without annotations at the start of a file say nothing about the tool.
_MOST_UNDECIDED = 1000
_TITLES = {
    **{"doccano": "doccano", "label_studio": "Label Studio", "prodigy": "Prodigy"},
    **{"brat": "brat", "spacy": "spaCy"},
}
_EXPECTED = (
    "not a file of an annotation tool: expected are JSON of doccano, Label Studio or Prodigy, a "
    "folder of brat (.txt and .ann), or a .spacy file. For other corpora use data=json, column, ..."
)


@register("spans")
class Spans(AnnotationFormat):
    """What doccano, Label Studio, Prodigy, brat or spaCy have written, for training."""

    endings = (".jsonl", ".json", ".ndjson", ".spacy")
    reads_folders = True

    def documents(self, source: Source, layout: Layout) -> Iterator[Document | None]:
        """Yield the documents, each with the name of the tool if it was recognised."""
        options = layout.spans or SpanOptions()
        if options.tool != "auto":
            yield from _annotation_format(options.tool).documents(source, layout)
            return
        documents, tool = self._recognised(source, layout)
        if tool != "label_studio" and (name := options.only_for_label_studio()):
            raise InputError(
                f"data.spans.{name} is only for files of Label Studio, but {source.name} is "
                f"{_TITLES[tool]}'s"
            )
        for document in documents:
            yield document and replace(document, tool=_TITLES[tool])

    def _recognised(self, source: Source, layout: Layout) -> tuple[Iterator[Document | None], str]:
        if source.folder is not None:
            return _annotation_format("brat").documents(source, layout), "brat"
        if source.starts_with(ZLIB_START) or source.name.endswith(".spacy"):
            return _annotation_format("spacy").documents(source, layout), "spacy"
        records = json_records(source)
        read: list[Record | None] = []
        for record in records:
            read.append(record)
            tool = next((name for name in _JSON_TOOLS if _matches(name, record)), None)
            if tool is not None:
                format = _annotation_format(tool)
                assert isinstance(format, JsonTool)
                return format.documents_of(chain(read, records), layout), tool
            if len(read) > _MOST_UNDECIDED:
                break
        first = next((record for record in read if record is not None), None)
        if first is None:
            raise InputError(f"{source.name}: no records; {_EXPECTED}")
        keys = listed(map(shown, first.value), 10)
        raise InputError(f"{first.where}: a record with the keys {keys}: {_EXPECTED}")


def _annotation_format(tool: str) -> AnnotationFormat:
    format = find_format(tool)
    assert isinstance(format, AnnotationFormat)
    return format


def _matches(tool: str, record: Record | None) -> bool:
    format = _annotation_format(tool)
    assert isinstance(format, JsonTool)
    return record is not None and format.matches(record.value)
