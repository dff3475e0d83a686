"""Label Studio: its JSON and JSON-MIN exports, and tasks with predictions for its import."""

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
from seqtag.data.formats.annotation.json_tool import JsonTool
from seqtag.data.formats.annotation.offsets import differs, offsets_by_unit, same_text
from seqtag.data.formats.base import register
from seqtag.data.formats.document import CharSpan, Document, Fault, OutputOptions
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.span_options import SpanOptions
from seqtag.errors import InputError, shown
from seqtag.files import utf8_bytes

_CANCELLED = "tasks that annotators have cancelled or skipped"
_SEVERAL = "tasks with several annotations, of which the ground truth, or else the first, was read"
# Keys of JSON-MIN that say who annotated a task.
_OF_TASK = ("annotation_id", "annotator", "lead_time")
_OF_EXPORT = {*_OF_TASK, "id", "created_at", "updated_at", "agreement"}


@register("label_studio")
class LabelStudio(JsonTool):
    """An array of tasks: the full export, or JSON-MIN, where the data is next to the spans.

    Label Studio counts code points since version 1.4 and UTF-16 code units before. The text of the
    spans in the file decides.
    """

    tag_input = "tasks of Label Studio, as JSON; id and other data are copied to the output"
    tag_output = "JSON that Label Studio imports: tasks with the spans as predictions"

    @staticmethod
    def matches(record: Mapping[str, Any]) -> bool:
        """Return whether an object has the form of an annotated record of this tool."""
        if isinstance(record.get("data"), dict):
            return any(
                isinstance(record.get(key), list)
                for key in ("annotations", "completions", "predictions")
            )
        return any(key in record for key in _OF_TASK) or bool(_region_keys(record))

    def documents_of(
        self, records: Iterable[Record | None], layout: Layout
    ) -> Iterator[Document | None]:
        """Yield the document of each task.

        Raises:
            InputError: at the end, if only Labels tags other than that of the options occurred.
        """
        chosen = layout.spans.from_name if layout.spans is not None else None
        names: set[str] = set()
        where = ""
        for record in records:
            if record is not None and chosen is not None and chosen not in names:
                names.update(_tag_names(record.value))
                where = where or record.where.rpartition(":")[0]
            yield None if record is None else self.document(record, layout)
        if names and chosen not in names:
            raise InputError(
                f"{where}: data.spans.from_name={chosen}: no Labels tag has this name; there are: "
                f"{', '.join(sorted(names))}"
            )

    def document(self, record: Record, layout: Layout) -> Document:
        """Return the document of a task."""
        value, line, where = record
        options = layout.spans or SpanOptions()
        keys = text_keys(layout, "text")
        if isinstance(value.get("data"), dict):
            data = value["data"]
            text, key = _only_text(data, keys, where)
            meta = {name: one for name, one in data.items() if name != key}
            regions, left_out, remarks = _regions_of_task(value, options, where)
        else:
            text, key = _only_text(value, keys, where)
            found = _region_keys(value)
            meta = {
                name: one
                for name, one in value.items()
                if name != key and name not in found and name not in _OF_EXPORT
            }
            if options.from_name is not None:
                found = [name for name in found if name == options.from_name]
            annotated = bool(found) or any(name in value for name in _OF_TASK)
            regions = [one for name in found for one in value[name]] if annotated else None
            left_out, remarks = "", ()
        start = (value.get("id"), meta, line, where)
        if regions is None:
            return Document(text, None, *start, left_out=left_out)
        spans, faults, unit = _spans(regions, text, where)
        if unit != "code points":
            remarks = (*remarks, f"records whose offsets were converted from {unit}")
        return Document(*(text, spans, *start), faults=faults, left_out=left_out, remarks=remarks)

    def write_documents(
        self, documents: Iterable[Document], options: OutputOptions
    ) -> Iterator[bytes]:
        """Yield an array of tasks, one per line."""
        is_first = True
        for document in documents:
            before = "[\n" if is_first else ",\n"
            is_first = False
            yield utf8_bytes(before + json_text(_task(document, options)))
        yield b"[]\n" if is_first else b"\n]\n"


def _only_text(fields: Mapping[str, Any], keys: tuple[str, ...], where: str) -> tuple[str, str]:
    """Return the text of a task and its key; any key, if none is set and only one has a string."""
    texts = [key for key, value in fields.items() if isinstance(value, str)]
    if len(texts) == 1 and len(keys) > 1 and not any(key in fields for key in keys):
        return fields[texts[0]], texts[0]
    return text_of(fields, keys, where)


def _region_keys(record: Mapping[str, Any]) -> list[str]:
    """Return the keys of JSON-MIN with lists of labelled regions."""
    return [
        key
        for key, value in record.items()
        if isinstance(value, list)
        and value
        and all(isinstance(one, dict) and "labels" in one and "start" in one for one in value)
    ]


def _tag_names(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the Labels tags that a task has regions of, repeatedly."""
    if not isinstance(task.get("data"), dict):
        yield from _region_keys(task)
    for key in ("annotations", "completions", "predictions"):
        found = task.get(key)
        for one in found if isinstance(found, list) else ():
            results = one.get("result") if isinstance(one, dict) else None
            for result in results if isinstance(results, list) else ():
                if isinstance(result, dict) and "labels" in str(result.get("type", "labels")):
                    yield str(result.get("from_name"))


def _regions_of_task(
    task: Mapping[str, Any], options: SpanOptions, where: str
) -> tuple[list[Any] | None, str, tuple[str, ...]]:
    """Return the values of the regions of a task, why it is left out, and remarks."""
    key = "predictions"
    if options.annotations == "people":
        key = "annotations" if "annotations" in task else "completions"
    found = task.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"{where}: {key} is {shown(found)}; a list of objects is expected")
    valid = [one for one in found if not (one.get("was_cancelled") or one.get("skipped"))]
    if not valid:
        return None, _CANCELLED if found else "", ()
    chosen = next((one for one in valid if one.get("ground_truth")), valid[0])
    results = chosen.get("result", [])
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise InputError(f"{where}: result is {shown(results)}; a list of objects is expected")
    regions = [
        one.get("value")
        for one in results
        if "labels" in str(one.get("type", "labels"))
        and options.from_name in (None, one.get("from_name"))
    ]
    return regions, "", (_SEVERAL,) * (len(valid) > 1)


def _spans(
    regions: list[Any], text: str, where: str
) -> tuple[tuple[CharSpan, ...], tuple[Fault, ...], str]:
    """Return the spans of regions, what is wrong with others, and the unit of the offsets."""
    found: list[tuple[CharSpan, Any]] = []
    faults: list[Fault] = []
    for region in regions:
        for type_ in _labels(region, where):
            span = char_span(region.get("start"), region.get("end"), type_)
            if isinstance(span, Fault):
                faults.append(span)
            else:
                found.append((span, region.get("text")))
    units = offsets_by_unit(text)
    unit = next(
        (
            name
            for name, convert in units.items()
            if all(
                not isinstance(written, str)
                or same_text(written, _covered(text, convert(span.start), convert(span.end)))
                for span, written in found
            )
        ),
        "code points",
    )
    convert = units[unit]
    spans = []
    for span, written in found:
        span = span._replace(start=convert(span.start), end=convert(span.end))
        fault = differs(span, written, text)
        if fault:
            faults.append(fault)
        else:
            spans.append(span)
    return tuple(spans), tuple(faults), unit


def _covered(text: str, start: int, end: int) -> str:
    return text[max(0, start) : max(0, end)]


def _labels(region: Any, where: str) -> list[Any]:
    """Return the labels of a region of text; one empty label if it has none.

    Raises:
        InputError: for a region of another kind, such as one of HTML.
    """
    if not isinstance(region, dict):
        raise InputError(f"{where}: a region is {shown(region)}; an object is expected")
    if "startOffset" in region or isinstance(region.get("start"), str):
        raise InputError(
            f"{where}: a region of a HyperText or Paragraphs tag, which has no offsets in the "
            "text; only regions of a Text tag can be read"
        )
    names = region.get("labels", region.get("hypertextlabels", []))
    if not isinstance(names, list):
        raise InputError(f"{where}: the labels of a region are {shown(names)}, not a list")
    return names or [""]


def _task(document: Document, options: OutputOptions) -> dict[str, Any]:
    results = []
    for number, span in enumerate(spans_of(document), 1):
        text = document.text[span.start : span.end]
        value = {"start": span.start, "end": span.end, "text": text, "labels": [span.type]}
        score = {} if span.score is None else {"score": round(span.score, 6)}
        results.append(
            {
                **{"id": f"span{number}", "from_name": options.from_name},
                **{"to_name": options.to_name, "type": "labels", "value": value, **score},
            }
        )
    scores = [span.score for span in document.spans or () if span.score is not None]
    mean = {"score": round(sum(scores) / len(scores), 6)} if scores else {}
    own = {} if document.id is None else {"id": document.id}
    prediction = {"model_version": "seqtag", **mean, "result": results}
    data = {**document.meta, "text": document.text}
    return {**own, "data": data, "predictions": [prediction]}
