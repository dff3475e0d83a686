"""doccano: JSON lines, in each of the forms that its versions export and import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seqtag.data.formats.annotation.base import spans_of
from seqtag.data.formats.annotation.json_records import (
    Record,
    char_span,
    json_text,
    text_keys,
    text_of,
)
from seqtag.data.formats.annotation.json_tool import JsonTool, documents_from
from seqtag.data.formats.base import register
from seqtag.data.formats.document import CharSpan, Document, Fault, OutputOptions
from seqtag.data.formats.layout import Layout
from seqtag.errors import InputError, shown

# The keys of annotations: of versions before and after 1.8, of relations, of version 1.0 to 1.2.
_KEYS = ("label", "labels", "entities", "annotations")
_NOT_META = {*_KEYS, "id", "text", "data", "relations", "Comments", "comments"}


@register("doccano")
class Doccano(JsonTool):
    """An object per line; ``label``, ``labels``, ``entities`` or ``annotations`` has the spans.

    doccano counts code points.
    """

    tag_input = 'JSON lines of doccano: {"text": "..."}; id and metadata are copied to the output'
    tag_output = 'JSON lines that doccano imports: {"text": "...", "label": [[0, 5, "PER"]]}'

    @staticmethod
    def matches(record: Mapping[str, Any]) -> bool:
        """Return whether an object has the form of an annotated record of this tool."""
        has_text = isinstance(record.get("text"), str) or isinstance(record.get("data"), str)
        return has_text and any(isinstance(record.get(key), list) for key in _KEYS)

    def document(self, record: Record, layout: Layout) -> Document:
        """Return the document of an object."""
        value, line, where = record
        text, text_key = text_of(value, text_keys(layout, "text", "data"), where)
        meta = {key: v for key, v in value.items() if key not in _NOT_META and key != text_key}
        key = next((key for key in _KEYS if key in value), None)
        annotated = None if key is None or value[key] is None else value[key]
        if annotated is None:
            return Document(text, None, value.get("id"), meta, line, where)
        if not isinstance(annotated, list):
            raise InputError(f"{where}: {key} is {shown(annotated)}; a list of spans is expected")
        spans: list[CharSpan] = []
        faults: list[Fault] = []
        for one in annotated:
            found = char_span(*_parts(one, f"{where}: {key}"))
            (spans if isinstance(found, CharSpan) else faults).append(found)  # type: ignore[arg-type]
        return Document(
            *(text, tuple(spans), value.get("id"), meta, line, where), faults=tuple(faults)
        )

    def write_documents(
        self, documents: Iterable[Document], options: OutputOptions
    ) -> Iterator[bytes]:
        """Yield a line for each document."""
        yield from documents_from(documents, _written)


def _parts(span: Any, where: str) -> tuple[Any, Any, Any]:
    """Return start, end and label of a span in any of doccano's forms."""
    if isinstance(span, list) and len(span) == 3:
        return span[0], span[1], span[2]
    if isinstance(span, dict) and "start_offset" in span and "end_offset" in span:
        return span["start_offset"], span["end_offset"], span.get("label")
    raise InputError(
        f"{where} contains {shown(span)}; a span is [start, end, label] or an object with "
        "start_offset, end_offset and label"
    )


def _written(document: Document) -> str:
    own = {} if document.id is None else {"id": document.id}
    meta = {key: value for key, value in document.meta.items() if key not in _NOT_META}
    label = [[span.start, span.end, span.type] for span in spans_of(document)]
    return json_text({**own, "text": document.text, "label": label, **meta}) + "\n"
