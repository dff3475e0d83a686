"""Documents: whole texts with spans of characters, as annotation tools read and write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Start and end of each token of a sentence, in characters of the text.
TokenOffsets = tuple[tuple[int, int], ...]


class CharSpan(NamedTuple):
    """A span of a text: ``text[start:end]``, in characters (code points), and its type.

    `score` is a probability, or None.
    """

    start: int
    end: int
    type: str
    score: float | None = None


class Fault(NamedTuple):
    """An annotation that is not a span of characters with a type.

    Attributes:
        kind: what is wrong, as in "spans that " + kind: "have no label".
        text: the text of the span, or its offsets, for messages.
        start: offset of the first character that it covers; None if unknown.
        end: offset after the last character; None if unknown.
        type: its type, if `start` to `end` could be a span of that type; "" if not.
    """

    kind: str
    text: str
    start: int | None = None
    end: int | None = None
    type: str = ""


@dataclass(frozen=True)
class Document:
    """A text with annotated spans: a record of an annotation tool.

        Document("Alex left.", (CharSpan(0, 4, "PER"),), id=7)

    Attributes:
        text: the text.
        spans: its spans, in any order; None if nobody has annotated it.
        id: its id; None if there is none.
        meta: further data of the record, as JSON values.
        line: its line, or its number in the file, from 1.
        place: its place for messages: "file:line" or "folder/file".
        faults: annotations that are not spans.
        unlabelled: parts of the text (start, end) that nobody has annotated.
        left_out: why it must not be used for training, in the plural: "rejected records"; "" if it
            may be used.
        tool: the tool that was recognised by the content of the file; "" if it was set.
        remarks: facts about how it was read, in the plural, for the notes on the corpus.
        sentences: (in output) offsets of the tokens of each sentence.
    """

    text: str
    spans: tuple[CharSpan, ...] | None = None
    id: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    line: int = 1
    place: str = ""
    faults: tuple[Fault, ...] = ()
    unlabelled: tuple[tuple[int, int], ...] = ()
    left_out: str = ""
    tool: str = ""
    remarks: tuple[str, ...] = ()
    sentences: tuple[TokenOffsets, ...] = ()


@dataclass(frozen=True)
class OutputOptions:
    """Options of `seqtag tag` for formats that write documents.

    Attributes:
        from_name: (label_studio) name of the Labels tag of the project.
        to_name: (label_studio) name of the Text tag of the project.
    """

    from_name: str = "label"
    to_name: str = "text"
