"""The description of the REST interface, by OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from seqtag import __version__
from seqtag.checks import AtLeast, AtMost
from seqtag.serve.limits import Limits
from seqtag.serve.requests import TagRequest, TraceRequest

Schema = dict[str, Any]
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Any: {},
}


def schema_of(kind: Any) -> Schema:
    """Return the JSON schema of an annotation; null, which stands for a missing field, is left out.

    Raises:
        TypeError: for an annotation without a JSON schema.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if origin is Annotated:
        limits = {AtLeast: "minimum", AtMost: "maximum"}
        marks = {limits[type(mark)]: mark.limit for mark in inner[1:] if type(mark) in limits}
        return schema_of(inner[0]) | marks
    if origin in (Union, UnionType):
        options = [schema_of(option) for option in inner if option is not NoneType]
        return options[0] if len(options) == 1 else {"oneOf": options}
    if origin is tuple:
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of(inner[1])}
    raise TypeError(f"no JSON schema for {kind}")


def schema_of_request(cls: type) -> Schema:
    """Return the JSON schema of a request's dataclass."""
    kinds = get_type_hints(cls, include_extras=True)
    properties = {}
    for field in fields(cls):
        schema = dict(field.metadata["schema"]) or schema_of(kinds[field.name])
        schema["description"] = field.metadata["description"]
        if field.default is not None:
            schema["default"] = field.default
        properties[field.name] = schema
    return {
        "type": "object",
        "description": cls.__doc__,
        "properties": properties,
        "additionalProperties": False,
    }


def _object(about: str, optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
    }


def _list(items: Schema, description: str = "") -> Schema:
    schema = {"type": "array", "items": items}
    return schema | ({"description": description} if description else {})


def _typed(kind: str | list[str], description: str) -> Schema:
    return {"type": kind, "description": description}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
_SPAN = _object(
    "A span of tokens.",
    ("start", "end", "probability"),
    text=_typed("string", "Its text; of words, joined by spaces."),
    type=_typed("string", "Its type, such as PER."),
    start=_typed("integer", "Characters (code points) of the text before it; for text only."),
    end=_typed("integer", "Characters (code points) up to its end; for text only."),
    first_token=_typed("integer", "Index of its first token in the sentence, from 0."),
    last_token=_typed("integer", "Index of its last token."),
    probability=_typed("number", "The lowest probability of its labels; with probabilities."),
)
_ALTERNATIVE = _object(
    "A sequence of labels that the sentence may have.",
    labels=_list(_TEXT, "The label of each token."),
    spans=_list(_ref("Span")),
    probability=_typed("number", "The probability of the whole sequence."),
)
_SENTENCE = _object(
    "A tagged sentence.",
    (
        *("text", "offsets", "probabilities", "certainty", "alternatives", "top_labels"),
        "unknown",
    ),
    text=_typed("string", "The sentence; for text only."),
    tokens=_list(_TEXT),
    offsets=_list(_list(_WHOLE), "Start and end of each token; for text only."),
    labels=_list(_TEXT, "The label of each token."),
    spans=_list(_ref("Span"), "The spans, in order; none for plain labels."),
    probabilities=_list(_NUMBER, "The probability of each label; with probabilities."),
    certainty=_typed("number", "With certainty."),
    alternatives=_list(_ref("Alternative"), "Best first; with alternatives."),
    top_labels=_list(
        {"type": "object", "additionalProperties": _NUMBER},
        "For each token, the probabilities of labels, the highest first; with top_labels.",
    ),
    unknown=_list(
        {"type": "boolean"}, "Whether each token is unknown from training; with unknown."
    ),
)
_TAGGED = _object(
    "The result. A list of texts has texts, in the same order; anything else has sentences.",
    ("sentences", "texts"),
    model=_typed("string", "Name of the tagger."),
    sentences=_list(_ref("Sentence")),
    texts=_list(_object("A text.", sentences=_list(_ref("Sentence")))),
)
_LABELS = _object(
    "The taggers, the default one first.",
    models=_list(
        _object(
            "A tagger.",
            name=_typed("string", "Its name in requests."),
            scheme=_typed("string", "Scheme of its labels: bio, bioes or plain."),
            spans=_typed("boolean", "Whether it finds spans."),
            labels=_list(
                _object(
                    "A type of span, or a plain label.",
                    name=_TEXT,
                    description=_typed(["string", "null"], "What it means, where this is known."),
                    count=_typed(["number", "null"], "How often it occurs in counted_in."),
                    f1=_typed(["number", "null"], "F1 of the tagger there."),
                )
            ),
            counted_in=_typed(["string", "null"], "Split that was counted: test, dev, ..."),
            features=_list(_TEXT, "Further columns that it reads."),
            tokenizer=_typed("string", "How text is split into tokens."),
            gates=_typed("boolean", "Whether it has gates and states to show."),
            example=_typed(["string", "null"], "A sentence that shows them well."),
        )
    ),
)
_TRACES = _object(
    "Data of the picture that seqtag trace also writes; its form may change.",
    version=_typed("integer", "Version of the form."),
    traces=_list({"type": "object"}, "Each sentence by each tagger."),
)
_HEALTH = _object(
    "The state of the server.",
    status=_typed("string", "ok"),
    version=_typed("string", "Version of seqtag."),
    models=_list(_TEXT, "Names of the taggers."),
    waiting=_typed("integer", "Requests that wait for a worker."),
)
_ERROR = _object(
    "An error.",
    error=_object(
        "What is wrong.",
        status=_typed("integer", "Status of HTTP."),
        reason=_typed("string", "Its name."),
        message=_typed("string", "What is wrong, and what was expected."),
        field=_typed(["string", "null"], "The wrong field of the request, if it is one."),
    ),
)
_STATUSES = {
    400: "The body is not JSON.",
    404: "There is nothing at this address, or no model of this name.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not marked as JSON.",
    422: "A field is wrong.",
    503: "Too many requests are waiting.",
}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _responses(name: str, *statuses: int) -> Schema:
    errors = {str(status): _json(_STATUSES[status], _ref("Error")) for status in statuses}
    return {"200": _json("The answer.", _ref(name)), **errors}


def openapi(limits: Limits) -> Schema:
    """Return the description of all addresses, as an object of OpenAPI 3.1."""
    model = {"name": "model", "in": "query", "schema": _TEXT, "description": "Only this tagger."}
    example = {"text": "Alex Graves left Munich.", "probabilities": True}
    body = {"schema": _ref("TagRequest"), "example": example}
    traced = {"schema": _ref("TraceRequest"), "example": {"text": "Alex left Munich."}}
    description = (
        f"A request has at most {limits.body:,} bytes and {limits.texts:,} texts or sentences, "
        f"a sentence at most {limits.sentence:,} tokens."
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "seqtag", "version": __version__, "description": description},
        "paths": {
            "/tag": {
                "post": {
                    "summary": "Tag text, or sentences of words.",
                    "requestBody": {"required": True, "content": {"application/json": body}},
                    "responses": _responses("Tagged", 400, 408, 413, 415, 422, 503),
                }
            },
            "/trace": {
                "post": {
                    "summary": "Return the gates and states of sentences, for the page's picture.",
                    "requestBody": {"required": True, "content": {"application/json": traced}},
                    "responses": _responses("Traces", 400, 408, 413, 415, 422, 503),
                }
            },
            "/labels": {
                "get": {
                    "summary": "Return the labels of the taggers.",
                    "parameters": [model],
                    "responses": _responses("Labels", 404),
                }
            },
            "/health": {
                "get": {
                    "summary": "Return that the server runs, and what it serves.",
                    "responses": _responses("Health"),
                }
            },
        },
        "components": {
            "schemas": {
                "TagRequest": schema_of_request(TagRequest),
                "TraceRequest": schema_of_request(TraceRequest),
                **{"Tagged": _TAGGED, "Sentence": _SENTENCE, "Span": _SPAN},
                "Alternative": _ALTERNATIVE,
                **{"Traces": _TRACES, "Labels": _LABELS, "Health": _HEALTH, "Error": _ERROR},
            }
        },
    }
