"""Prodigy: JSON lines with spans, tokens and the answer of the annotator."""

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
from seqtag.data.formats.annotation.offsets import differs
from seqtag.data.formats.base import register
from seqtag.data.formats.document import CharSpan, Document, Fault, OutputOptions
from seqtag.data.formats.layout import Layout
from seqtag.errors import InputError, shown

_ANSWERS = ("accept", "reject", "ignore")
_LEFT_OUT = "records with the answer reject or ignore"
# Keys that describe the annotation of a record, and are not copied to the output.
_OF_ANNOTATION = {"spans", "tokens", "answer", "text", "id", "relations"}


@register("prodigy")
class Prodigy(JsonTool):
    """An object per line with ``text``, ``spans`` and ``answer``; offsets are code points."""

    tag_input = 'JSON lines of Prodigy: {"text": "..."}; other keys are copied to the output'
    tag_output = "JSON lines with text, tokens and spans, as a source for Prodigy's recipes"

    @staticmethod
    def matches(record: Mapping[str, Any]) -> bool:
        """Return whether an object has the form of an annotated record of this tool."""
        spans = record.get("spans")
        has_spans = isinstance(spans, list) and all(isinstance(one, dict) for one in spans)
        is_task = "_task_hash" in record or record.get("answer") in _ANSWERS
        return isinstance(record.get("text"), str) and (has_spans or is_task)

    def document(self, record: Record, layout: Layout) -> Document:
        """Return the document of an object."""
        value, line, where = record
        text, text_key = text_of(value, text_keys(layout, "text"), where)
        kept = {
            key: v
            for key, v in value.items()
            if key not in _OF_ANNOTATION and key != text_key and not key.startswith("_")
        }
        answer = value.get("answer")
        if answer is not None and answer not in _ANSWERS:
            raise InputError(
                f"{where}: answer is {shown(answer)}; expected is one of {', '.join(_ANSWERS)}"
            )
        left_out = _LEFT_OUT if answer in ("reject", "ignore") else ""
        spans = value.get("spans")
        if spans is None:
            found = None if answer is None else ()
            return Document(*(text, found, value.get("id"), kept, line, where), left_out=left_out)
        if not isinstance(spans, list):
            raise InputError(f"{where}: spans is {shown(spans)}; a list of spans is expected")
        good, faults = _read_spans(spans, text, where)
        return Document(
            *(text, good, value.get("id"), kept, line, where, faults), left_out=left_out
        )

    def write_documents(
        self, documents: Iterable[Document], options: OutputOptions
    ) -> Iterator[bytes]:
        """Yield a line for each document."""
        yield from documents_from(documents, _written)


def _read_spans(
    values: list[Any], text: str, where: str
) -> tuple[tuple[CharSpan, ...], tuple[Fault, ...]]:
    spans: list[CharSpan] = []
    faults: list[Fault] = []
    for value in values:
        if not isinstance(value, dict):
            raise InputError(f"{where}: spans contains {shown(value)}; an object is expected")
        span = char_span(value.get("start"), value.get("end"), value.get("label"))
        if isinstance(span, Fault):
            faults.append(span)
        elif fault := differs(span, value.get("text"), text):
            faults.append(fault)
        else:
            spans.append(span)
    return tuple(spans), tuple(faults)


def _written(document: Document) -> str:
    tokens = [token for sentence in document.sentences for token in sentence]
    following = [start for start, _ in tokens[1:]]
    spans = []
    starts = {start: number for number, (start, _) in enumerate(tokens)}
    ends = {end: number for number, (_, end) in enumerate(tokens)}
    for span in spans_of(document):
        spans.append(
            {
                **{"start": span.start, "end": span.end, "label": span.type},
                **({"token_start": starts[span.start]} if span.start in starts else {}),
                **({"token_end": ends[span.end]} if span.end in ends else {}),
                **({} if span.score is None else {"score": round(span.score, 6)}),
            }
        )
    values = [
        {
            **{"text": document.text[start:end], "start": start, "end": end, "id": number},
            "ws": number < len(following) and following[number] > end,
        }
        for number, (start, end) in enumerate(tokens)
    ]
    own = {} if document.id is None else {"id": document.id}
    return (
        json_text({**own, "text": document.text, "tokens": values, "spans": spans, **document.meta})
        + "\n"
    )
