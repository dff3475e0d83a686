"""Output of `seqtag tag`: a tagged sentence as a line to read, as columns, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from seqtag.errors import InputError
from seqtag.tagging.output import TaggedSentence

# What some programs take for the end of a line, and JSON does not escape.
_LINE_ENDS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}


def as_text(
    sentence: TaggedSentence, plain_labels: bool, id_: Any = None, line: int | None = None
) -> str:
    """Return a line for a person: ``[PER Alex Graves] goes to [LOC Paris].``, or ``He/PRON …``.

    Probabilities, where there are any, stand after the type or the label. A sentence without
    tokens is an empty line.
    """
    if plain_labels or not sentence.tokens:
        # No white space within a token may end the line.
        return " ".join(" ".join(_marked_tokens(sentence)).split()) + "\n"
    base = sentence.tokens[0].start or 0
    words = [token.text for token in sentence.tokens]
    text, done = "", 0  # up to which character of the text, or token
    for span in sentence.spans:
        certain = "" if span.probability is None else f" {span.probability:.2f}"
        if sentence.text is None:
            before = " ".join([*words[done : span.first_token], ""])
            done, gap = span.last_token + 1, " " if span.last_token + 1 < len(words) else ""
        else:
            before = sentence.text[done : span.start - base]
            done, gap = span.end - base, ""
        text += f"{before}[{span.type}{certain} {span.text}]{gap}"
    text += " ".join(words[done:]) if sentence.text is None else sentence.text[done:]
    return " ".join(text.split()) + "\n"


def _marked_tokens(sentence: TaggedSentence) -> Iterator[str]:
    for position, (token, label) in enumerate(zip(sentence.tokens, sentence.labels, strict=True)):
        certain = sentence.probabilities
        yield f"{token.text}/{label}" + ("" if certain is None else f"/{certain[position]:.2f}")


def as_conll(
    sentence: TaggedSentence, plain_labels: bool, id_: Any = None, line: int | None = None
) -> str:
    """Return a line for each token, and an empty one: token, label and probability, by tabs.

    A sentence without tokens is an empty line.

    Raises:
        InputError: for a token that would break the columns.
    """
    rows = []
    for position, (token, label) in enumerate(zip(sentence.tokens, sentence.labels, strict=True)):
        if not token.text.strip(" ") or any(sign in token.text for sign in "\t\n\r"):
            raise InputError(
                f"the token {token.text!r} cannot stand in a column: use --format jsonl"
            )
        cells = [token.text, label]
        if sentence.probabilities is not None:
            cells.append(f"{sentence.probabilities[position]:.6f}")
        rows.append("\t".join(cells) + "\n")
    return "".join(rows) + "\n"


def as_jsonl(
    sentence: TaggedSentence, plain_labels: bool, id_: Any = None, line: int | None = None
) -> str:
    """Return a JSON object on a line (see `TaggedSentence.to_plain`).

    It also has the input's ``id``, and the ``line`` of the input that it is from, where given.
    """
    given = {key: value for key, value in (("id", id_), ("line", line)) if value is not None}
    text = json.dumps({**given, **sentence.to_plain()}, ensure_ascii=False)
    return text.translate(_LINE_ENDS) + "\n"


OUTPUT_FORMATS = {"text": as_text, "conll": as_conll, "jsonl": as_jsonl}
