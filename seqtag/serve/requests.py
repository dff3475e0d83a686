"""Requests, read strictly: a wrong field is refused, with its name and what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from seqtag.checks import AtLeast, AtMost, checked_values
from seqtag.errors import InputError, shown

T = TypeVar("T")


class RequestError(InputError):
    """A request that cannot be answered.

    Attributes:
        status: the status of HTTP.
        field: the field of the request that is wrong; None: the request as a whole.
    """

    def __init__(self, message: str, status: int = 422, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.field = status, field


def _field(default: Any, description: str, **schema: Any) -> Any:
    """Return a field of a request.

    Args:
        default: its value if the request does not have it.
        description: what it means, for the documentation.
        schema: replaces the JSON schema of its annotation.
    """
    return field(default=default, metadata={"description": description, "schema": schema})


_WORDS = {"type": "array", "items": {"type": "string"}}
_SENTENCES = {"type": "array", "items": _WORDS}


@dataclass(frozen=True)
class TagRequest:
    """What to tag, and what to return."""

    text: str | tuple[str, ...] | None = _field(
        None, "Raw text, or a list of texts. It is split into sentences and tokens."
    )
    tokens: tuple[Any, ...] | None = _field(
        None,
        "A sentence as a list of words, or a list of such sentences; instead of text.",
        oneOf=[_WORDS, _SENTENCES],
    )
    features: Mapping[str, tuple[Any, ...]] | None = _field(
        None,
        "Further columns that the tagger reads: for each name, values in the form of tokens.",
        type="object",
        additionalProperties={"oneOf": [_WORDS, _SENTENCES]},
    )
    model: str | None = _field(None, "Name of the tagger; by default the first one.")
    probabilities: bool = _field(False, "Return the probability of each label and span.")
    certainty: bool = _field(
        False,
        "Return the certainty of each sentence: the T-th root of the probability of its T labels.",
    )
    alternatives: Annotated[int, AtLeast(0), AtMost(20)] = _field(
        0, "Return this many sequences of labels for each sentence, the most probable first."
    )
    top_labels: Annotated[int, AtLeast(0), AtMost(20)] = _field(
        0, "Return this many labels for each token, the most probable first."
    )
    unknown: bool = _field(False, "Return which words did not occur in training.")
    scheme: str | None = _field(
        None,
        "Scheme of the labels, such as bio or bioes; corpus: as the training files wrote them. "
        "By default bio or bioes, whichever is closer to them.",
    )
    bias: Mapping[str, float] | None = _field(
        None,
        "Factors by type or label, which multiply its odds: above 1 more recall, below 1 more "
        "precision.",
    )


@dataclass(frozen=True)
class TraceRequest:
    """The sentences and taggers whose gates are shown: one of each, or two of either."""

    text: str | tuple[str, ...] = _field("", "A sentence, or two sentences to compare.")
    model: str | tuple[str, ...] | None = _field(
        None, "Name of a tagger, or of two to compare; by default the first one."
    )


@contextmanager
def blamed_on(field: str) -> Iterator[None]:
    """Name a field in the errors that its value causes."""
    try:
        yield
    except RequestError:
        raise
    except InputError as error:
        raise RequestError(str(error), field=field) from None


def read_json(body: bytes) -> Any:
    """Return the JSON value of a body.

    Raises:
        RequestError: with status 400, if it is not JSON, or names a key twice.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8 (byte {error.start})", 400) from None
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RequestError:
        raise
    except RecursionError:
        raise RequestError("the body is nested too deeply", 400) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RequestError(f"the body is not JSON: {error.msg} ({place})", 400) from None
    except ValueError:  # Python reads no integers of more than 4,300 digits
        raise RequestError("the body has a number with thousands of digits", 400) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise RequestError(f"the key {shown(key)} occurs twice", 400, key)
        result[key] = value
    return result


def _no_constant(name: str) -> Any:
    raise RequestError(f"the body is not JSON: {name} is not a number of JSON", 400)


def read_fields(cls: type[T], plain: Any) -> T:
    """Build a request from a JSON value; each field is checked against its annotation.

    Raises:
        RequestError: naming the wrong field.
    """
    if not isinstance(plain, dict):
        raise RequestError(f"the body must be an object, not {shown(plain)}")
    values: dict[str, Any] = {}
    for name, value in plain.items():
        try:
            values |= checked_values(cls, {name: value}, "", whole=False)
        except InputError as error:
            raise RequestError(str(error), field=name) from None
    return cls(**values)
